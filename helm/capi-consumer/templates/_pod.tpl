{{/* What every pod of the release is: the one that runs, a replay, and the one that checks. */}}
{{- define "capi-consumer.podBase" -}}
serviceAccountName: {{ include "capi-consumer.serviceAccountName" . }}
automountServiceAccountToken: false
# Kubernetes would write CAPI_..._PORT for each Service whose name starts with "capi".
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "capi-consumer.grace" . }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- range $name, $number := .Values.podSecurityContext }}
  {{- if not (kindIs "invalid" $number) }}
  {{ $name }}: {{ $number | int64 }}
  {{- end }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
volumes:
  {{- include "capi-consumer.volumes" . | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A pod with one command of the program. Takes a dict: root, name, args. */}}
{{- define "capi-consumer.commandPod" -}}
restartPolicy: Never
{{ include "capi-consumer.podBase" .root }}
{{- if eq (include "capi-consumer.kafkaFile" .root) "put together" }}
initContainers:
  - {{ include "capi-consumer.kafkaFileContainer" .root | nindent 4 | trim }}
{{- end }}
containers:
  - name: {{ .name }}
    args:
      {{- toYaml .args | nindent 6 }}
    {{- include "capi-consumer.program" (dict "root" .root) | nindent 4 }}
{{- end }}

{{/* The pods that run, as a Deployment and a StatefulSet have them. */}}
{{- define "capi-consumer.runTemplate" -}}
metadata:
  labels:
    {{- include "capi-consumer.selectorLabels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # What is read at start only. The token is not: its file is read again.
    checksum/settings: {{ include "capi-consumer.environment" . | sha256sum }}
    {{- if ne (include "capi-consumer.madeProperties" .) "{}" }}
    checksum/kafka: {{ include "capi-consumer.madeProperties" . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "capi-consumer.podBase" . | nindent 2 }}
  topologySpreadConstraints:
    {{- if .Values.topologySpreadConstraints }}
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "capi-consumer.selectorLabels" $ | nindent 10 }}
    {{- end }}
    {{- end }}
  {{- $putsTogether := eq (include "capi-consumer.kafkaFile" .) "put together" }}
  {{- if or $putsTogether .Values.createTopics.enabled }}
  initContainers:
    {{- if $putsTogether }}
    - {{ include "capi-consumer.kafkaFileContainer" . | nindent 6 | trim }}
    {{- end }}
    {{- if .Values.createTopics.enabled }}
    - name: topics
      args:
        - topics
        - create
        - --partitions={{ int .Values.createTopics.partitions }}
        {{- with .Values.createTopics.replicationFactor }}
        - --replication-factor={{ int . }}
        {{- end }}
      {{- include "capi-consumer.program" (dict "root" .) | nindent 6 }}
    {{- end }}
  {{- end }}
  containers:
    - name: capi-consumer
      args: ["run"]
      {{- include "capi-consumer.program" (dict "root" . "isMember" true) | nindent 6 }}
      ports:
        - name: health
          containerPort: 9090
          protocol: TCP
      startupProbe:
        httpGet:
          path: /startupz
          port: health
        {{- toYaml .Values.probes.startup | nindent 8 }}
      readinessProbe:
        httpGet:
          path: /readyz
          port: health
        {{- toYaml .Values.probes.readiness | nindent 8 }}
      livenessProbe:
        httpGet:
          path: /livez
          port: health
        {{- toYaml .Values.probes.liveness | nindent 8 }}
{{- end }}
