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

{{/* The template's metadata. Takes root and component. */}}
{{- define "tocsin.metadata" -}}
labels: {{ include "tocsin.labels" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.podAnnotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The pod's own part: where it may lie, who it runs as, and what it may not do. Takes root and part, the component's values. */}}
{{- define "tocsin.pod" -}}
automountServiceAccountToken: false
# Otherwise a Service called tocsin would put TOCSIN_PORT and its like into the environment, which no process takes.
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.part $field | default (index $.root.Values $field) }}
{{ $field }}: {{ toYaml . | nindent 2 }}
{{- end }}
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
  {{- with .root.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/*
The container's own part, without its name and what it runs. Takes root, part and env, what the chart itself sets. A
component's settings come before those of all.
*/}}
{{- define "tocsin.container" -}}
image: {{ include "tocsin.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - secretRef: {name: {{ .root.Values.secret }}}
{{- with mergeOverwrite (dict) .root.Values.settings (.part.settings | default dict) .env }}
env:
  {{- range $name, $value := . }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
{{- end }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- with .root.Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources: {{ toYaml .part.resources | nindent 2 }}
{{- end }}

{{/*
A Deployment. Takes root, component, name, args, env, part, replicas (none where something else counts them), and for the web
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
    metadata: {{ include "tocsin.metadata" . | nindent 6 }}
    spec:
      serviceAccountName: {{ .root.Release.Name }}-tocsin
      {{- include "tocsin.pod" . | nindent 6 }}
      # Beside the grace: the web's pause before its SIGTERM, and what ending takes on a busy node.
      terminationGracePeriodSeconds: {{ add .root.Values.graceSeconds 15 }}
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
          {{- $env := merge (dict "METRICS_PORT" "9464") .env }}
          {{- include "tocsin.container" (dict "root" .root "part" .part "env" $env) | nindent 10 }}
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
