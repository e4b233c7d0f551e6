{{/* What selects the pods. It can never change. */}}
{{- define "tollgate.selector" -}}
app.kubernetes.io/name: tollgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What every object is labelled with. */}}
{{- define "tollgate.labels" -}}
{{ include "tollgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The image, by digest where one is given. */}}
{{- define "tollgate.image" -}}
{{- with .Values.image -}}
{{- if not .repository }}
{{- fail "image.repository is empty: no image of Tollgate is published; build one with deploy/Containerfile, push it, and name it here" }}
{{- end -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* An address to listen at: of IPv6, in brackets. */}}
{{- define "tollgate.address" -}}
{{ if contains ":" .host }}[{{ .host }}]{{ else }}{{ .host }}{{ end }}:{{ .port }}
{{- end }}

{{/* The name of the priority class; empty for none. */}}
{{- define "tollgate.priorityClass" -}}
{{ .name | default (ternary "tollgate" "" .create) }}
{{- end }}

{{/* The Secret that the certificate is mounted from; empty where Tollgate makes it itself. */}}
{{- define "tollgate.certificate" -}}
{{ get (dict "cert-manager" "tollgate-certificate" "secret" .Values.certificates.secretName) .Values.certificates.source }}
{{- end }}
