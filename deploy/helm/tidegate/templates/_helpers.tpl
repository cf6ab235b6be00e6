{{- define "tidegate.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tidegate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .side }}
{{- end -}}

{{- define "tidegate.labels" -}}
{{ include "tidegate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The command line of each side, and the names of what the feed is told: in this one place. */}}
{{- define "tidegate.args" -}}
{{- if eq .side "control" -}}
["control"]
{{- else -}}
["gateway", "--control", {{ printf "https://%s-feed:%v" (include "tidegate.name" .) .Values.feed.port | quote }}]
{{- end -}}
{{- end -}}

{{- define "tidegate.feed" -}}
{{- if eq .side "control" }}
- name: TIDEGATE_FEED_ADDR
  value: {{ printf "0.0.0.0:%v" .Values.feed.port | quote }}
{{- end }}
- name: TIDEGATE_FEED_CERT
  value: /run/feed/tls.crt
- name: TIDEGATE_FEED_KEY
  value: /run/feed/tls.key
- name: TIDEGATE_FEED_CA
  value: /run/feed/ca.crt
{{- end -}}

{{/* A pod of either side. */}}
{{- define "tidegate.pod" -}}
{{- $is := index .Values .side -}}
{{- $port := ternary 8787 8788 (eq .side "control") -}}
metadata:
  labels:
    {{- include "tidegate.labels" . | nindent 4 }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  # Longer than the delay and the 30 s that running calls get.
  terminationGracePeriodSeconds: {{ add .Values.shutdownDelaySeconds 50 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: { type: RuntimeDefault }
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "tidegate.selector" . | nindent 10 }}
  containers:
    - name: {{ .side }}
      image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: {{ include "tidegate.args" . }}
      env:
        - name: TIDEGATE_DATA_DIR
          value: /var/lib/tidegate
        - name: TIDEGATE_{{ upper .side }}_ADDR
          value: {{ printf "0.0.0.0:%v" $port | quote }}
        - name: TIDEGATE_METRICS_ADDR
          value: 0.0.0.0:8791
        - name: TIDEGATE_LOG_FORMAT
          value: json
        - name: TIDEGATE_SHUTDOWN_DELAY_SECONDS
          value: {{ .Values.shutdownDelaySeconds | quote }}
        {{- include "tidegate.feed" . | trim | nindent 8 }}
        {{- if eq .side "control" }}
        - name: TIDEGATE_DATABASE
          valueFrom:
            secretKeyRef: { name: {{ .Values.databaseSecret }}, key: url }
        {{- else if .Values.gateway.tlsSecret }}
        - name: TIDEGATE_GATEWAY_TLS_CERT
          value: /run/tls/tls.crt
        - name: TIDEGATE_GATEWAY_TLS_KEY
          value: /run/tls/tls.key
        {{- end }}
        {{- range $name, $value := $is.env }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        - { name: http, containerPort: {{ $port }} }
        - { name: metrics, containerPort: 8791 }
        {{- if eq .side "control" }}
        - { name: feed, containerPort: {{ .Values.feed.port }} }
        {{- end }}
      {{- $scheme := ternary "HTTPS" "HTTP" (and (eq .side "gateway") (ne .Values.gateway.tlsSecret "")) }}
      startupProbe:
        httpGet: { path: /healthz, port: http, scheme: {{ $scheme }} }
        periodSeconds: 1
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: http, scheme: {{ $scheme }} }
        periodSeconds: 10
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: http, scheme: {{ $scheme }} }
        periodSeconds: 2
        failureThreshold: 1
      resources:
        {{- toYaml $is.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: data, mountPath: /var/lib/tidegate }
        - { name: feed, mountPath: /run/feed, readOnly: true }
        {{- if eq .side "control" }}
        - { name: keys, mountPath: /var/lib/tidegate/vault.key, subPath: vault.key, readOnly: true }
        - { name: keys, mountPath: /var/lib/tidegate/operator.token, subPath: operator.token, readOnly: true }
        {{- else if .Values.gateway.tlsSecret }}
        - { name: tls, mountPath: /run/tls, readOnly: true }
        {{- end }}
  volumes:
    - name: data
      emptyDir: {}
    - name: feed
      secret:
        secretName: {{ eq .side "control" | ternary .Values.feed.controlTlsSecret .Values.feed.gatewayTlsSecret }}
        defaultMode: 0440
    {{- if eq .side "control" }}
    - name: keys
      secret:
        secretName: {{ .Values.keysSecret }}
        defaultMode: 0440
    {{- else if .Values.gateway.tlsSecret }}
    - name: tls
      secret:
        secretName: {{ .Values.gateway.tlsSecret }}
        defaultMode: 0440
    {{- end }}
  {{- with $is.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $is.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $is.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
