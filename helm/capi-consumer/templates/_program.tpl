{{/*
What every container of the program has, whatever verb it is given: the image,
the environment, the rights, and the files of its Secrets.
*/}}

{{- define "capi-consumer.program" -}}
image: {{ include "capi-consumer.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom:
  - configMapRef:
      name: {{ include "capi-consumer.fullname" . }}-settings
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: ["ALL"]
{{- end }}

{{/* Folders, not single files: Kubernetes renews only folders when a Secret changes. */}}
{{- define "capi-consumer.mounts" -}}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  - name: access-token
    mountPath: /etc/capi-consumer/access-token
    readOnly: true
  {{- if include "capi-consumer.kafkaSecret" . }}
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

{{/*
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
{{- with include "capi-consumer.kafkaSecret" . }}
- name: kafka
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: {{ empty $.Values.kafkaSecret.existingSecret | ternary "kafka.json" $.Values.kafkaSecret.key }}
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
