{{/*
Names, labels, and what is worked out from the values: the environment, the
grace, and what is refused.
*/}}

{{- define "capi-consumer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 54 | trimSuffix "-" }}
{{- end }}

{{/* At most 54 characters: a Service's name has 63, and "-metrics" follows. */}}
{{- define "capi-consumer.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- $full | trunc 54 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "capi-consumer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "capi-consumer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "capi-consumer.labels" -}}
{{ include "capi-consumer.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "capi-consumer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "capi-consumer.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "capi-consumer.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.tokenSecret" -}}
{{- default (printf "%s-access-token" (include "capi-consumer.fullname" .)) .Values.accessToken.existingSecret }}
{{- end }}

{{- define "capi-consumer.tokenKey" -}}
{{- empty .Values.accessToken.existingSecret | ternary "access-token" .Values.accessToken.key }}
{{- end }}

{{/* Empty where no librdkafka property is secret. */}}
{{- define "capi-consumer.kafkaSecret" -}}
{{- if .Values.kafkaSecret.existingSecret }}
{{- .Values.kafkaSecret.existingSecret }}
{{- else if .Values.kafkaSecret.properties }}
{{- printf "%s-kafka" (include "capi-consumer.fullname" .) }}
{{- end }}
{{- end }}

{{/*
Draining, then 10 s until the program's own watchdog ends a client that hangs
while it leaves the group, and 5 s to spare.
*/}}
{{- define "capi-consumer.graceMin" -}}
{{- add (ceil .Values.settings.drain_timeout_s) 15 }}
{{- end }}

{{/* librdkafka's properties as JSON; what `settings.kafka` says wins over what follows from `kafkaTls`. */}}
{{- define "capi-consumer.kafkaProperties" -}}
{{- $own := default dict .Values.settings.kafka }}
{{- $tls := dict }}
{{- with .Values.kafkaTls }}
{{- if .existingSecret }}
{{- $sasl := or (hasKey $own "sasl.mechanism") (hasKey $own "sasl.mechanisms") }}
{{- $_ := set $tls "security.protocol" (ternary "sasl_ssl" "ssl" $sasl) }}
{{- if .ca }}
{{- $_ := set $tls "ssl.ca.location" (printf "/etc/capi-consumer/kafka-tls/%s" .ca) }}
{{- end }}
{{- if .certificate }}
{{- $_ := set $tls "ssl.certificate.location" (printf "/etc/capi-consumer/kafka-tls/%s" .certificate) }}
{{- $_ := set $tls "ssl.key.location" (printf "/etc/capi-consumer/kafka-tls/%s" .privateKey) }}
{{- end }}
{{- end }}
{{- end }}
{{- merge (dict) $own $tls | toJson }}
{{- end }}

{{/*
The environment: each key of `settings` in capitals, and the places where the
chart mounts what is secret. Text as it is, everything else as JSON: a plain
`toString` writes 4194304 as 4.194304e+06.
*/}}
{{- define "capi-consumer.environment" -}}
{{- $environment := dict "CAPI_GROUP" (include "capi-consumer.fullname" .) }}
{{- range $name, $value := omit .Values.settings "kafka" }}
{{- $_ := set $environment (printf "CAPI_%s" (upper $name)) (kindIs "string" $value | ternary $value (toJson $value)) }}
{{- end }}
{{- $properties := include "capi-consumer.kafkaProperties" . }}
{{- if ne $properties "{}" }}
{{- $_ := set $environment "CAPI_KAFKA" $properties }}
{{- end }}
{{- if include "capi-consumer.kafkaSecret" . }}
{{- $_ := set $environment "CAPI_KAFKA_FILE" "/etc/capi-consumer/kafka/kafka.json" }}
{{- end }}
{{- $_ := set $environment "CAPI_ACCESS_TOKEN_FILE" "/etc/capi-consumer/access-token/access-token" }}
{{- $_ := set $environment "CAPI_HEALTH_ADDRESS" "0.0.0.0:9090" }}
{{- toYaml $environment }}
{{- end }}

{{/* What the schema cannot say: every mistake at once, in words. */}}
{{- define "capi-consumer.refuse" -}}
{{- $mistakes := list }}
{{- with .Values.accessToken }}
{{- if and .existingSecret .value }}
{{- $mistakes = append $mistakes "accessToken: existingSecret and value are both given; keep one of them" }}
{{- else if not (or .existingSecret .value) }}
{{- $mistakes = append $mistakes "accessToken: name the Secret that holds the token in accessToken.existingSecret, or give accessToken.value" }}
{{- end }}
{{- end }}
{{- with .Values.kafkaSecret }}
{{- if and .existingSecret .properties }}
{{- $mistakes = append $mistakes "kafkaSecret: existingSecret and properties are both given; keep one of them" }}
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.settings.kafka }}
{{- if regexMatch "(password|passphrase|secret|key\\.pem)$" $name }}
{{- $mistakes = append $mistakes (printf "settings.kafka: %s would stand in a ConfigMap for all to read; it belongs in kafkaSecret" $name) }}
{{- end }}
{{- end }}
{{- with .Values.kafkaTls }}
{{- $protocol := get (default dict $.Values.settings.kafka) "security.protocol" | toString | lower }}
{{- if and .existingSecret (has $protocol (list "plaintext" "sasl_plaintext")) }}
{{- $mistakes = append $mistakes (printf "kafkaTls: certificates are given, and security.protocol %s in settings.kafka uses none" $protocol) }}
{{- end }}
{{- if ne (empty .certificate) (empty .privateKey) }}
{{- $mistakes = append $mistakes "kafkaTls: certificate and privateKey go together; one of them is missing" }}
{{- end }}
{{- end }}
{{- if and .Values.settings.group_instance_id (or (ne (int .Values.replicas) 1) (not (has (toString .Values.rollout.maxSurge) (list "0" "0%")))) }}
{{- $mistakes = append $mistakes "settings.group_instance_id: all pods would have the same name, and throw each other out; only with replicas 1 and rollout.maxSurge 0" }}
{{- end }}
{{- with .Values.rollout }}
{{- if and (has (toString .maxSurge) (list "0" "0%")) (has (toString .maxUnavailable) (list "0" "0%")) }}
{{- $mistakes = append $mistakes "rollout: maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced" }}
{{- end }}
{{- end }}
{{- $least := include "capi-consumer.graceMin" . | int }}
{{- $grace := .Values.terminationGracePeriodSeconds }}
{{- if and (not (kindIs "invalid" $grace)) (lt (int $grace) $least) }}
{{- $mistakes = append $mistakes (printf "terminationGracePeriodSeconds: %d is too short for settings.drain_timeout_s; at least %d, or leave it empty" (int $grace) $least) }}
{{- end }}
{{- if $mistakes }}
{{- fail (printf "\n%s" (join "\n" $mistakes)) }}
{{- end }}
{{- end }}
