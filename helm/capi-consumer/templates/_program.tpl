{{/*
What every container of the program has, whatever verb it is given: the image,
the environment, the rights, and the files of its Secrets.
*/}}

{{/* Takes a dict: root, and `isMember` for the container that joins the group. */}}
{{- define "capi-consumer.program" -}}
{{- $own := list }}
{{- if and .isMember .root.Values.staticMembership }}
{{- $own = list (dict "name" "CAPI_GROUP_INSTANCE_ID" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.name"))) }}
{{- end }}
{{- with .root -}}
image: {{ include "capi-consumer.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom:
  - configMapRef:
      name: {{ include "capi-consumer.fullname" . }}-settings
{{- with concat $own .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ include "capi-consumer.rights" . }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  - name: access-token
    mountPath: /etc/capi-consumer/access-token
    readOnly: true
  {{- if include "capi-consumer.kafkaFile" . }}
  - name: kafka
    mountPath: /etc/capi-consumer/kafka
    readOnly: true
  {{- end }}
  {{- if .Values.kafkaTls.existingSecret }}
  - name: kafka-tls
    mountPath: /etc/capi-consumer/kafka-tls
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "capi-consumer.rights" -}}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: ["ALL"]
{{- end }}

{{/* Puts kafka.json together, before any other container reads it. */}}
{{- define "capi-consumer.kafkaFileContainer" -}}
{{- $names := include "capi-consumer.saslNames" . | fromJson -}}
name: kafka-file
image: {{ include "capi-consumer.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command:
  - python
  - -c
  - {{ .Files.Get "files/kafka_file.py" | quote }}
args:
  - /etc/capi-consumer/kafka/kafka.json
  {{- if include "capi-consumer.kafkaSecret" . }}
  - /etc/capi-consumer/kafka-secret/kafka.json
  {{- end }}
  {{- if not .Values.kafkaSasl.username }}
  - {{ $names.username }}=/etc/capi-consumer/kafka-login/username
  {{- end }}
  - {{ $names.password }}=/etc/capi-consumer/kafka-login/password
{{ include "capi-consumer.rights" . }}
volumeMounts:
  - name: kafka
    mountPath: /etc/capi-consumer/kafka
  - name: kafka-login
    mountPath: /etc/capi-consumer/kafka-login
    readOnly: true
  {{- if include "capi-consumer.kafkaSecret" . }}
  - name: kafka-secret
    mountPath: /etc/capi-consumer/kafka-secret
    readOnly: true
  {{- end }}
{{- end }}

{{/*
Folders, not single files: Kubernetes renews only folders when a Secret changes.
`tmp` is for a person who pipes a file to `publish --strict` in the pod; `run`
writes nothing. The program bounds it, and a limit here would evict the pod.
*/}}
{{- define "capi-consumer.volumes" -}}
- name: tmp
  emptyDir: {}
- name: access-token
  secret:
    secretName: {{ include "capi-consumer.tokenSecret" . }}
    defaultMode: 0440
    items:
      - key: {{ include "capi-consumer.tokenKey" . }}
        path: access-token
{{- $file := include "capi-consumer.kafkaFile" . }}
{{- if eq $file "put together" }}
- name: kafka
  emptyDir:
    medium: Memory
    sizeLimit: 1Mi
- name: kafka-login
  secret:
    secretName: {{ .Values.kafkaSasl.existingSecret }}
    defaultMode: 0440
    items:
      {{- if not .Values.kafkaSasl.username }}
      - key: {{ .Values.kafkaSasl.usernameKey }}
        path: username
      {{- end }}
      - key: {{ .Values.kafkaSasl.passwordKey }}
        path: password
{{- end }}
{{- with include "capi-consumer.kafkaSecret" . }}
- name: {{ eq $file "mounted" | ternary "kafka" "kafka-secret" }}
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: {{ include "capi-consumer.kafkaSecretKey" $ }}
        path: kafka.json
{{- end }}
{{- with .Values.kafkaTls.existingSecret }}
- name: kafka-tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
