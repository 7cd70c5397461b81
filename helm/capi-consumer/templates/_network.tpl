{{/* Which ports the pods go out to: Kafka's, Meta's or the proxy's, the collector's. */}}

{{/* The port of a URL. Takes text. */}}
{{- define "capi-consumer.port" -}}
{{- $url := urlParse . }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "http" | ternary "80" "443") }}
{{- end }}

{{/* As a JSON list of numbers as text, each once, in order. */}}
{{- define "capi-consumer.egressPorts" -}}
{{- $ports := list }}
{{- with .Values.networkPolicy }}
{{- range .kafkaPorts }}
{{- $ports = append $ports (toString (int .)) }}
{{- else }}
{{- range splitList "," $.Values.settings.bootstrap_servers }}
{{- $ports = append $ports (regexFind ":[0-9]+$" (trim .) | trimPrefix ":" | default "9092") }}
{{- end }}
{{- end }}
{{- range .metaPorts }}
{{- $ports = append $ports (toString (int .)) }}
{{- else }}
{{- $way := default $.Values.settings.graph_url $.Values.settings.proxy }}
{{- $ports = append $ports (include "capi-consumer.port" (default "https://graph.facebook.com" $way)) }}
{{- end }}
{{- range .otlpPorts }}
{{- $ports = append $ports (toString (int .)) }}
{{- else }}
{{- with $.Values.telemetry.otlpEndpoint }}
{{- $ports = append $ports (include "capi-consumer.port" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.kafkaSasl.tokenEndpoint }}
{{- $ports = append $ports (include "capi-consumer.port" .) }}
{{- end }}
{{- $ports | uniq | sortAlpha | toJson }}
{{- end }}
