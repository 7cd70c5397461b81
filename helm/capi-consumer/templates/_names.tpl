{{/*
Names, and the labels by which one finds what:

    name, instance                  everything of the release, its jobs too
    name, instance, component       the pods that run: what the budget, the Service and the monitor mean
*/}}

{{- define "capi-consumer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/*
At most 52 characters: a label has 63, and the pods of a StatefulSet have its
name in one, with a dash and ten characters more.
*/}}
{{- define "capi-consumer.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- $full | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "capi-consumer.releaseLabels" -}}
app.kubernetes.io/name: {{ include "capi-consumer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "capi-consumer.selectorLabels" -}}
{{ include "capi-consumer.releaseLabels" . }}
app.kubernetes.io/component: run
{{- end }}

{{- define "capi-consumer.labels" -}}
{{ include "capi-consumer.releaseLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* What every manifest begins with, once its kind is said. Takes a dict: root, and what follows the name. */}}
{{- define "capi-consumer.metadata" -}}
name: {{ include "capi-consumer.fullname" .root }}{{ .suffix }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "capi-consumer.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
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

{{/* The kind of the pods' owner: only the pods of a StatefulSet have names that stay. */}}
{{- define "capi-consumer.workload" -}}
{{- .Values.staticMembership | ternary "StatefulSet" "Deployment" }}
{{- end }}

{{- define "capi-consumer.group" -}}
{{- default (include "capi-consumer.fullname" .) .Values.settings.group_id }}
{{- end }}

{{- define "capi-consumer.tokenSecret" -}}
{{- default (printf "%s-access-token" (include "capi-consumer.fullname" .)) .Values.accessToken.existingSecret }}
{{- end }}

{{- define "capi-consumer.tokenKey" -}}
{{- empty .Values.accessToken.existingSecret | ternary "access-token" .Values.accessToken.key }}
{{- end }}
