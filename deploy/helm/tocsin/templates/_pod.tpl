{{/* What every object bears, and what selects one component. */}}
{{- define "tocsin.labels" -}}
app.kubernetes.io/name: tocsin
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "tocsin.selector" -}}
app.kubernetes.io/name: tocsin
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "tocsin.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The pod's own part: who it runs as, and what it may not do. */}}
{{- define "tocsin.pod" -}}
automountServiceAccountToken: false
# Otherwise a Service called tocsin would put TOCSIN_PORT and its like into the environment, which no process takes.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
{{- end }}

{{/* The container's own part, without its name and what it runs. */}}
{{- define "tocsin.container" -}}
image: {{ include "tocsin.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - secretRef: {name: {{ .Values.secret }}}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "tocsin.settings" -}}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{/*
A Deployment. Takes root, component, args, env, resources, replicas (none where something else counts them), and for the web
port and preStop. Nothing that says whether a process lives asks for Postgres or the doorbell: while they are away, it waits.
*/}}
{{- define "tocsin.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .root.Release.Name }}-{{ .component }}
  labels: {{ include "tocsin.labels" . | nindent 4 }}
spec:
  {{- with .replicas }}
  replicas: {{ . }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {{ include "tocsin.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{ include "tocsin.labels" . | nindent 8 }}
      {{- with .root.Values.podAnnotations }}
      annotations: {{ toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ .root.Release.Name }}-tocsin
      {{- include "tocsin.pod" .root | nindent 6 }}
      # More than the 25 seconds in which every process ends what it holds or gives it back.
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
        {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{ include "tocsin.selector" $ | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      containers:
        - name: {{ .name }}
          args: {{ toJson .args }}
          {{- include "tocsin.container" .root | nindent 10 }}
          env:
            {{- include "tocsin.settings" .root | nindent 12 }}
            {{- range $name, $value := .env }}
            - {name: {{ $name }}, value: {{ $value | quote }}}
            {{- end }}
            - {name: METRICS_PORT, value: "9464"}
          ports:
            {{- if .port }}
            - {name: http, containerPort: {{ .port }}}
            {{- end }}
            - {name: metrics, containerPort: 9464}
          {{- $lives := ternary "http" "metrics" (not (empty .port)) }}
          startupProbe:
            httpGet: {path: /healthz, port: {{ $lives }}}
            periodSeconds: 2
            failureThreshold: 60
            timeoutSeconds: 2
          livenessProbe:
            httpGet: {path: /healthz, port: {{ $lives }}}
            periodSeconds: 10
            failureThreshold: 6
            timeoutSeconds: 5
          readinessProbe:
            httpGet: {path: {{ ternary "/readyz" "/healthz" (not (empty .port)) }}, port: {{ $lives }}}
            periodSeconds: 5
            failureThreshold: 2
            timeoutSeconds: 5
          {{- if .port }}
          lifecycle:
            # Until every balancer has heard of it, connections still come: only then does the web close its door.
            preStop: {sleep: {seconds: 5}}
          {{- end }}
          resources: {{ toYaml .resources | nindent 12 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .root.Release.Name }}-{{ .component }}
  labels: {{ include "tocsin.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{ include "tocsin.selector" . | nindent 6 }}
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
  # While Prometheus does not answer: rather too many than too few.
  fallback: {failureThreshold: 4, replicas: {{ .most }}}
  triggers:
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: {{ .root.Values.keda.prometheus }}
        query: {{ .query | squote }}
        threshold: {{ .threshold | quote }}
        ignoreNullValues: "false"
{{- end }}
