{{/* The command line of the replay, as a JSON list. */}}
{{- define "capi-consumer.replayArgs" -}}
{{- $args := list "replay" }}
{{- with .Values.replay }}
{{- if .dryRun }}
{{- $args = append $args "--dry-run" }}
{{- end }}
{{- range $option, $texts := dict "reason" .reasons "meta-code" .metaCodes "event-name" .eventNames "origin-partition" .originPartitions }}
{{- range $texts }}
{{- $args = append $args (printf "--%s=%s" $option .) }}
{{- end }}
{{- end }}
{{- range $option, $text := dict "since" .since "until" .until "to" .to "group" .group }}
{{- if $text }}
{{- $args = append $args (printf "--%s=%s" $option $text) }}
{{- end }}
{{- end }}
{{- range $option, $number := dict "limit" .limit "rate" .rate "max-replays" .maxReplays }}
{{- if not (kindIs "invalid" $number) }}
{{- $args = append $args (printf "--%s=%s" $option (toJson $number)) }}
{{- end }}
{{- end }}
{{- if .includeOld }}
{{- $args = append $args "--include-old" }}
{{- end }}
{{- end }}
{{- toJson $args }}
{{- end }}

{{- define "capi-consumer.replayPod" -}}
{{- include "capi-consumer.commandPod" (dict "root" . "name" "replay" "args" (include "capi-consumer.replayArgs" . | fromJsonArray)) }}
{{- end }}

{{/* Kubernetes lets nobody change a Job's pod, so another replay is another Job. */}}
{{- define "capi-consumer.replaySuffix" -}}
{{- printf "-replay-%s" (printf "%s%s" (include "capi-consumer.replayPod" .) (include "capi-consumer.environment" .) | sha256sum | trunc 8) }}
{{- end }}
