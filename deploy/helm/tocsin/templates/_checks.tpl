{{/*
What the schema cannot say in a sentence that helps: it fails with one. Included once, by access.yaml. A process would refuse
the same when it starts; here nothing is installed by then.
*/}}
{{- define "tocsin.checks" -}}
{{- $about := .Files.Get "files/settings.yaml" | fromYaml -}}
{{- include "tocsin.checkSettings" (dict "root" . "about" $about "place" "settings" "settings" .Values.settings) -}}
{{- range $place := list "web" "ticker" "migration" -}}
{{- $part := index $.Values $place -}}
{{- include "tocsin.checkSettings" (dict "root" $ "about" $about "place" (printf "%s.settings" $place) "settings" $part.settings) -}}
{{- end -}}
{{- $served := list -}}
{{- range $class, $worker := .Values.workers -}}
{{- $place := printf "workers.%s.settings" $class -}}
{{- include "tocsin.checkSettings" (dict "root" $ "about" $about "place" $place "settings" $worker.settings) -}}
{{- $served = concat $served $worker.queues -}}
{{- if and $.Values.keda.enabled (gt (int $worker.replicas) (int $worker.maxReplicas)) -}}
{{- fail (printf "workers.%s.replicas is the least that KEDA keeps: it is not above workers.%s.maxReplicas" $class $class) -}}
{{- end -}}
{{- end -}}
{{- range $queue := $about.queues -}}
{{- if not (has $queue $served) -}}
{{- fail (printf "no class of workers serves the queue %s: its runs would wait for ever; name it in some workers.CLASS.queues" $queue) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.keda.enabled (gt (int .Values.ticker.replicas) (int .Values.ticker.maxReplicas)) -}}
{{- fail "ticker.replicas is the least that KEDA keeps: it is not above ticker.maxReplicas" -}}
{{- end -}}
{{- with .Values.web.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail "web.autoscaling.minReplicas is not above web.autoscaling.maxReplicas" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Takes root, about, place and settings, which may be none. */}}
{{- define "tocsin.checkSettings" -}}
{{- range $name, $value := .settings -}}
{{- $place := printf "%s.%s" $.place $name -}}
{{- $text := toString $value -}}
{{- if has $name $.about.chart -}}
{{- fail (printf "%s is set by the chart itself, from what values.yaml says of ports, queues and threads" $place) -}}
{{- else if or (has $name $.about.secrets) (regexMatch $.about.like $name) (regexMatch "://[^/@]*:[^/@]*@" $text) -}}
{{- fail (printf "%s is a secret: put it in the Secret %q, of which each key is a setting" $place $.root.Values.secret) -}}
{{- else if and (hasPrefix "TOCSIN_" $name) (not (has $name $.about.known)) -}}
{{- fail (printf "%s is not a setting, and no process would start; those that begin so are %s" $place (join ", " $.about.known)) -}}
{{- else if hasKey $.about.choices $name -}}
{{- $words := index $.about.choices $name -}}
{{- if not (has (lower $text) $words) -}}
{{- fail (printf "%s takes %s, in quotes; got %s" $place (join ", " $words) $text) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
