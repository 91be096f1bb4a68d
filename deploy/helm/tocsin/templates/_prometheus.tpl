{{/* What tells this installation's series from those of another under the same Prometheus, as the PodMonitor labels them. */}}
{{- define "tocsin.match" -}}
{{- .Values.monitoring.match | default (printf "namespace=%q,app_kubernetes_io_instance=%q" .Release.Namespace .Release.Name) -}}
{{- end }}

{{/* A query that asks for this installation's series alone. Takes root and query; every metric's name begins with tocsin_. */}}
{{- define "tocsin.query" -}}
{{- $match := include "tocsin.match" .root -}}
{{- $within := regexReplaceAll "(tocsin_\\w+)\\{" .query (printf "${1}{%s," $match) -}}
{{- regexReplaceAll "(tocsin_\\w+)([^\\w{]|$)" $within (printf "${1}{%s}${2}" $match) -}}
{{- end }}

{{/* Lets KEDA count a Deployment's replicas by what Prometheus answers. Takes root, component, least, most, query, threshold. */}}
{{- define "tocsin.scaled" -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ .root.Release.Name }}-{{ .component }}
  labels: {{ include "tocsin.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ .root.Release.Name }}-{{ .component }}}
  minReplicaCount: {{ .least }}
  maxReplicaCount: {{ .most }}
  pollingInterval: 15
  cooldownPeriod: 300
  # While Prometheus does not answer: what runs anyhow. The most would take Postgres's connections when nobody looks.
  fallback: {failureThreshold: 4, replicas: {{ .least }}}
  triggers:
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: {{ .root.Values.keda.prometheus }}
        query: {{ include "tocsin.query" . | squote }}
        threshold: {{ .threshold | quote }}
        ignoreNullValues: "false"
{{- end }}
