{{/*
What the schema cannot say: every mistake at once, in words. Each part gives
lines; an empty one is no mistake.
*/}}

{{- define "capi-consumer.refuse" -}}
{{- $mistakes := list }}
{{- range $part := list "Renamed" "Secrets" "Kafka" "Group" "Autoscaling" "Limits" "Alerts" }}
{{- range splitList "\n" (include (printf "capi-consumer.refuse%s" $part) $) }}
{{- if trim . }}
{{- $mistakes = append $mistakes (trim .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $mistakes }}
{{- fail (printf "\n%s" (join "\n" $mistakes)) }}
{{- end }}
{{- end }}

{{- define "capi-consumer.refuseRenamed" -}}
{{- range $old, $new := .Files.Get "files/renamed-settings.json" | fromJson }}
{{- if hasKey $.Values.settings $old }}
settings.{{ $old }}: this setting is called {{ $new }} now
{{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.refuseSecrets" -}}
{{- with .Values.accessToken }}
{{- if and .existingSecret .value }}
accessToken: existingSecret and value are both given; keep one of them
{{- else if not (or .existingSecret .value) }}
accessToken: name the Secret that holds the token in accessToken.existingSecret, or give accessToken.value
{{- end }}
{{- end }}
{{- with .Values.kafkaSecret }}
{{- if and .existingSecret .properties }}
kafkaSecret: existingSecret and properties are both given; keep one of them
{{- else if and .existingSecret $.Values.kafkaSasl.password }}
kafkaSasl: the password would need a second Secret beside kafkaSecret.existingSecret; put it into a Secret and name that in kafkaSasl.existingSecret
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.settings.kafka_properties }}
{{- if regexMatch "(password|passphrase|secret|key\\.pem)$" $name }}
settings.kafka_properties: {{ $name }} would stand in a ConfigMap for all to read; it belongs in kafkaSecret
{{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.refuseKafka" -}}
{{- $protocol := get (default dict .Values.settings.kafka_properties) "security.protocol" | toString | lower }}
{{- with .Values.kafkaTls }}
{{- if and (or .enabled .existingSecret) (has $protocol (list "plaintext" "sasl_plaintext")) }}
kafkaTls: certificates are given, and security.protocol {{ $protocol }} in settings.kafka_properties uses none
{{- end }}
{{- if ne (empty .certificate) (empty .privateKey) }}
kafkaTls: certificate and privateKey go together; one of them is missing
{{- end }}
{{- if and .certificate (not .existingSecret) }}
kafkaTls: certificate is a key of a Secret, and existingSecret names none
{{- end }}
{{- end }}
{{- with .Values.kafkaSasl }}
{{- if and .existingSecret .password }}
kafkaSasl: existingSecret and password are both given; keep one of them
{{- end }}
{{- if and (not .mechanism) (or .existingSecret .password .username .tokenEndpoint .scope) }}
kafkaSasl: say the mechanism
{{- end }}
{{- if .mechanism }}
{{- if not (or .existingSecret .password) }}
kafkaSasl: name the Secret with name and password in kafkaSasl.existingSecret, or give username and password
{{- end }}
{{- if and .password (not .username) }}
kafkaSasl: there is a password and no username
{{- end }}
{{- if and (has .mechanism (list "PLAIN" "OAUTHBEARER")) (not (include "capi-consumer.usesTls" $)) }}
kafkaSasl: {{ .mechanism }} without TLS shows what is secret to the network; kafkaTls.enabled turns TLS on
{{- end }}
{{- if ne (eq .mechanism "OAUTHBEARER") (not (empty .tokenEndpoint)) }}
kafkaSasl: tokenEndpoint goes with the mechanism OAUTHBEARER, and only with it
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.refuseGroup" -}}
{{- $surge := toString .Values.rollout.maxSurge }}
{{- if .Values.staticMembership }}
{{- if .Values.settings.group_instance_id }}
settings.group_instance_id: staticMembership gives each pod a name of its own
{{- end }}
{{- else }}
{{- if and .Values.settings.group_instance_id (or .Values.autoscaling.enabled (ne (int .Values.replicas) 1) (not (has $surge (list "0" "0%")))) }}
settings.group_instance_id: all pods would have the same name, and throw each other out; only with replicas 1 and rollout.maxSurge 0, or say staticMembership
{{- end }}
{{- if and (has $surge (list "0" "0%")) (has (toString .Values.rollout.maxUnavailable) (list "0" "0%")) }}
rollout: maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced
{{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.refuseAutoscaling" -}}
{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- $max := default .partitions .maxReplicas | int }}
{{- if not .partitions }}
autoscaling: say how many partitions the events topics have together; a pod more than those is idle
{{- else if gt $max (int .partitions) }}
autoscaling: maxReplicas {{ $max }} is more than the {{ int .partitions }} partitions; the pods above would be idle
{{- else if and $.Values.createTopics.enabled (gt (int .partitions) (mul (int $.Values.createTopics.partitions) (len (default (list "capi.events") $.Values.settings.topics)) | int)) }}
autoscaling: {{ int .partitions }} partitions are said, and createTopics would make {{ int $.Values.createTopics.partitions }} of each topic; the pods above would be idle
{{- else if gt (int .minReplicas) $max }}
autoscaling: minReplicas {{ int .minReplicas }} is more than maxReplicas {{ $max }}
{{- end }}
{{- $own := default dict $.Values.settings.kafka_properties }}
{{- $isOwnLogin := or (hasKey $own "sasl.mechanism") (hasKey $own "sasl.mechanisms") $.Values.kafkaSecret.existingSecret $.Values.kafkaSecret.properties }}
{{- if and $isOwnLogin (not $.Values.kafkaSasl.mechanism) (not .triggerAuthentication) }}
autoscaling: KEDA cannot log in with settings.kafka_properties or kafkaSecret; say it in kafkaSasl, or name a TriggerAuthentication in autoscaling.triggerAuthentication
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.refuseLimits" -}}
{{- $least := include "capi-consumer.graceMin" . | int }}
{{- $grace := .Values.terminationGracePeriodSeconds }}
{{- if and (not (kindIs "invalid" $grace)) (lt (int $grace) $least) }}
terminationGracePeriodSeconds: {{ int $grace }} is too short for settings.drain_timeout_s; at least {{ $least }}, or leave it empty
{{- end }}
{{- with default dict .Values.resources.limits }}
{{- if .memory }}
{{- $memory := toJson .memory | trimAll "\"" }}
{{- $bytes := $.Values.settings.bytes_in_flight_max | int64 }}
{{- $bytesMax := include "capi-consumer.bytesMax" $ | int64 }}
{{- if lt (include "capi-consumer.bytes" .memory | int64) 268435456 }}
resources.limits.memory: {{ $memory }} is too little for the program itself; at least 256Mi
{{- else if gt $bytes $bytesMax }}
settings.bytes_in_flight_max: {{ $bytes }} is too much for resources.limits.memory {{ $memory }}; at most {{ $bytesMax }} (leave it out to get that), or memory of {{ add 160 (div (add (mul $bytes 9) 2097151) 2097152) }}Mi
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.refuseAlerts" -}}
{{- $known := list }}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups }}
{{- range .rules }}
{{- $known = append $known .alert }}
{{- end }}
{{- end }}
{{- range .Values.prometheusRule.leaveOut }}
{{- if not (has . $known) }}
prometheusRule.leaveOut: there is no alert {{ . }}
{{- end }}
{{- end }}
{{- end }}
