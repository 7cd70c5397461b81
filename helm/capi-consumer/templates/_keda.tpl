{{/* How KEDA's own client gets into Kafka: with the consumer's Secrets, by KEDA's names. */}}

{{/* What the chart has to put into a Secret for KEDA, as JSON: the values that stand in no Secret yet. */}}
{{- define "capi-consumer.kedaOwn" -}}
{{- $own := dict }}
{{- with .Values.kafkaSasl }}
{{- range $parameter, $text := dict "username" .username "password" .password "oauthTokenEndpointUri" .tokenEndpoint "scopes" (replace " " "," .scope) }}
{{- if and $text $.Values.kafkaSasl.mechanism }}
{{- $_ := set $own $parameter $text }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $own }}
{{- end }}

{{/* secretTargetRef of the TriggerAuthentication, as JSON. */}}
{{- define "capi-consumer.kedaParameters" -}}
{{- $parameters := list }}
{{- range $parameter, $_ := include "capi-consumer.kedaOwn" . | fromJson }}
{{- $parameters = append $parameters (dict "parameter" $parameter "name" (printf "%s-keda" (include "capi-consumer.fullname" $)) "key" $parameter) }}
{{- end }}
{{- with .Values.kafkaSasl }}
{{- if .existingSecret }}
{{- if not .username }}
{{- $parameters = append $parameters (dict "parameter" "username" "name" .existingSecret "key" .usernameKey) }}
{{- end }}
{{- $parameters = append $parameters (dict "parameter" "password" "name" .existingSecret "key" .passwordKey) }}
{{- end }}
{{- end }}
{{- with .Values.kafkaTls }}
{{- $secret := .existingSecret }}
{{- range $parameter, $key := dict "ca" .ca "cert" .certificate "key" .privateKey }}
{{- if and $secret $key }}
{{- $parameters = append $parameters (dict "parameter" $parameter "name" $secret "key" $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $parameters }}
{{- end }}
