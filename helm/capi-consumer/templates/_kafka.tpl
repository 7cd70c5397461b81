{{/*
How Kafka is reached, from `kafkaTls`, `kafkaSasl`, `kafkaSecret` and `settings.kafka_properties`:

    what nobody needs to hide    CAPI_KAFKA_PROPERTIES, in the ConfigMap
    name and password            kafka.json, which CAPI_KAFKA_PROPERTIES_FILE names:
        in a Secret as JSON           mounted as it is
        in the values                 a Secret that the chart makes
        in a Secret, each its key     put together in memory by an init container
*/}}

{{- define "capi-consumer.usesTls" -}}
{{- $own := get (default dict .Values.settings.kafka_properties) "security.protocol" | toString | lower }}
{{- if or .Values.kafkaTls.enabled .Values.kafkaTls.existingSecret (has $own (list "ssl" "sasl_ssl")) }}yes{{ end }}
{{- end }}

{{/* librdkafka's properties as JSON; what `settings.kafka_properties` says wins over what follows from the rest. */}}
{{- define "capi-consumer.kafkaProperties" -}}
{{- $own := default dict .Values.settings.kafka_properties }}
{{- $derived := dict }}
{{- $hasSasl := or .Values.kafkaSasl.mechanism (hasKey $own "sasl.mechanism") (hasKey $own "sasl.mechanisms") }}
{{- if include "capi-consumer.usesTls" . }}
{{- $_ := set $derived "security.protocol" (ternary "sasl_ssl" "ssl" (not (not $hasSasl))) }}
{{- else if .Values.kafkaSasl.mechanism }}
{{- $_ := set $derived "security.protocol" "sasl_plaintext" }}
{{- end }}
{{- with .Values.kafkaTls }}
{{- if .existingSecret }}
{{- if .ca }}
{{- $_ := set $derived "ssl.ca.location" (printf "/etc/capi-consumer/kafka-tls/%s" .ca) }}
{{- end }}
{{- if .certificate }}
{{- $_ := set $derived "ssl.certificate.location" (printf "/etc/capi-consumer/kafka-tls/%s" .certificate) }}
{{- $_ := set $derived "ssl.key.location" (printf "/etc/capi-consumer/kafka-tls/%s" .privateKey) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.kafkaSasl }}
{{- if .mechanism }}
{{- $_ := set $derived "sasl.mechanism" .mechanism }}
{{- end }}
{{- if .username }}
{{- $_ := set $derived (get (include "capi-consumer.saslNames" $ | fromJson) "username") .username }}
{{- end }}
{{- if eq .mechanism "OAUTHBEARER" }}
{{- $_ := set $derived "sasl.oauthbearer.method" "oidc" }}
{{- $_ := set $derived "sasl.oauthbearer.token.endpoint.url" .tokenEndpoint }}
{{- with .scope }}
{{- $_ := set $derived "sasl.oauthbearer.scope" . }}
{{- end }}
{{- end }}
{{- end }}
{{- merge (dict) $own $derived | toJson }}
{{- end }}

{{/* librdkafka's words for who logs in and by what: a dict of the two names, as JSON. */}}
{{- define "capi-consumer.saslNames" -}}
{{- if eq .Values.kafkaSasl.mechanism "OAUTHBEARER" }}
{{- dict "username" "sasl.oauthbearer.client.id" "password" "sasl.oauthbearer.client.secret" | toJson }}
{{- else }}
{{- dict "username" "sasl.username" "password" "sasl.password" | toJson }}
{{- end }}
{{- end }}

{{/* How kafka.json comes to be: `put together`, `mounted`, or not at all. */}}
{{- define "capi-consumer.kafkaFile" -}}
{{- if .Values.kafkaSasl.existingSecret }}put together
{{- else if include "capi-consumer.kafkaSecret" . }}mounted
{{- end }}
{{- end }}

{{/* The Secret that holds properties as JSON; empty where there is none. */}}
{{- define "capi-consumer.kafkaSecret" -}}
{{- if .Values.kafkaSecret.existingSecret }}
{{- .Values.kafkaSecret.existingSecret }}
{{- else if or .Values.kafkaSecret.properties .Values.kafkaSasl.password }}
{{- include "capi-consumer.fullname" . }}-kafka
{{- end }}
{{- end }}

{{- define "capi-consumer.kafkaSecretKey" -}}
{{- empty .Values.kafkaSecret.existingSecret | ternary "kafka.json" .Values.kafkaSecret.key }}
{{- end }}

{{/* kafka.json of the Secret that the chart makes. */}}
{{- define "capi-consumer.madeProperties" -}}
{{- $login := dict }}
{{- with .Values.kafkaSasl.password }}
{{- $_ := set $login (get (include "capi-consumer.saslNames" $ | fromJson) "password") . }}
{{- end }}
{{- merge (dict) (default dict .Values.kafkaSecret.properties) $login | toJson }}
{{- end }}
