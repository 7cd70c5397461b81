{{/*
The environment of the program, and what is worked out for it: the bytes in
flight from the memory, the grace from the drain.
*/}}

{{/* A quantity of Kubernetes in bytes; 0 where none is said. */}}
{{- define "capi-consumer.bytes" -}}
{{- $text := kindIs "string" . | ternary . (toJson .) }}
{{- $number := regexFind "^[0-9.]+" $text }}
{{- $units := dict "" 1 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $unit := get $units (trimPrefix $number $text) }}
{{- mulf (float64 (default "0" $number)) (float64 (default 0 $unit)) | floor | int64 }}
{{- end }}

{{/*
How many bytes of records a pod of this memory may have in flight; 0 without a
limit. README.md, "Memory", says where the numbers come from.

    160 MiB    the program, its libraries, requests and events' own weight
    4.5        of memory for each byte in flight
*/}}
{{- define "capi-consumer.bytesMax" -}}
{{- $limit := include "capi-consumer.bytes" (default "" (default dict .Values.resources.limits).memory) | int64 }}
{{- if $limit }}
{{- div (mul (sub $limit 167772160) 2) 9 | int64 | min 536870912 }}
{{- else }}0
{{- end }}
{{- end }}

{{/*
Draining, then 10 s until the program's own watchdog ends a client that hangs
while it leaves the group, and 5 s to spare.
*/}}
{{- define "capi-consumer.graceMin" -}}
{{- add (ceil .Values.settings.drain_timeout_s) 15 }}
{{- end }}

{{- define "capi-consumer.grace" -}}
{{- default (include "capi-consumer.graceMin" .) .Values.terminationGracePeriodSeconds }}
{{- end }}

{{/*
Each key of `settings` in capitals, and the places where the chart mounts what
is secret. Text as it is, everything else as JSON: a plain `toString` writes
4194304 as 4.194304e+06.
*/}}
{{- define "capi-consumer.environment" -}}
{{- $environment := dict "CAPI_GROUP_ID" (include "capi-consumer.fullname" .) }}
{{- with include "capi-consumer.bytesMax" . | int64 }}
{{- $_ := set $environment "CAPI_BYTES_IN_FLIGHT_MAX" (toString .) }}
{{- end }}
{{- range $name, $value := omit .Values.settings "kafka" }}
{{- $_ := set $environment (printf "CAPI_%s" (upper $name)) (kindIs "string" $value | ternary $value (toJson $value)) }}
{{- end }}
{{- $properties := include "capi-consumer.kafkaProperties" . }}
{{- if ne $properties "{}" }}
{{- $_ := set $environment "CAPI_KAFKA_PROPERTIES" $properties }}
{{- end }}
{{- if include "capi-consumer.kafkaFile" . }}
{{- $_ := set $environment "CAPI_KAFKA_PROPERTIES_FILE" "/etc/capi-consumer/kafka/kafka.json" }}
{{- end }}
{{- with .Values.telemetry.otlpEndpoint }}
{{- $_ := set $environment "OTEL_EXPORTER_OTLP_ENDPOINT" . }}
{{- $_ := set $environment "OTEL_SERVICE_NAME" (include "capi-consumer.fullname" $) }}
{{- end }}
{{- $_ := set $environment "CAPI_ACCESS_TOKEN_FILE" "/etc/capi-consumer/access-token/access-token" }}
{{- $_ := set $environment "CAPI_HEALTH_ADDRESS" "0.0.0.0:9090" }}
{{- toYaml $environment }}
{{- end }}
