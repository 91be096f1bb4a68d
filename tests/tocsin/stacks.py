"""Two stacks of the same names: one that says every field of every noun, and one that says what it must."""

FULL = """
members:
  - {subject: ann, email: ann@example.com, name: Ann, role: admin}
calendars:
  - {name: closed, country: de, subdivision: BY, ownDays: [{date: 2027-05-03, name: b}, {date: 2027-05-02, name: on}]}
sources:
  - {name: warehouse, url: "postgresql://u:${env:PASSWORD}@db.example.com/x"}
  - name: api
    type: http
    url: https://api.example.com/figures
    secret: ${env:TOKEN}
    options: {method: POST, body: {a: [1, "08:00"]}, headers: {X-Of: us}, secretHeader: X-Key, dataAsOf: at}
channels:
  - {name: ops, type: slack, credential: "${env:BOT}", options: {channel: C0123, endpoint: "https://chat.example.com"}}
templates:
  - {name: worded, purpose: kpi.threshold, subject: "{{ alert }}", text: "a\\nb ${env:PLAIN}", html: "<p>{{ headline }}</p>"}
  - {name: weekly, purpose: pulse.report, subject: x}
  - {name: exported, purpose: report.export, subject: x}
  - {name: sent, purpose: kpi.schedule, subject: x}
graphs:
  - name: sales
    description: all
    source: warehouse
    query: select day, region, amount from sales
    unit: €
    format: percent
    decimals: 2
    valueColumn: amount
    timeDimension: day
    grain: day
    segmentBy: [region]
  - {name: orders, source: api, query: "orders[*]"}
dashboards:
  - {name: mondays, description: the week, graphs: [orders, sales]}
limits:
  - {name: "source:warehouse", maxRunning: 3, maxPerMinute: 30}
  - {name: "host:API.example.com:443", maxRunning: 0}
  - {name: tenant, maxRunning: 100}
webhooks:
  - {name: hook, url: "https://hooks.example.com/${env:TOKEN}", events: [run.dead, run.dead, alert.firing], secret: "${env:SIGNING}"}
crewEndpoints:
  - name: planner
    url: https://crew.example.com/plan
    headers: {Authorization: "Bearer ${env:TOKEN}"}
    timeoutSeconds: 30.5
    concurrency: 3
    ratePerMinute: 90
    segments: [gold]
    protocol: crewai
reportDefinitions:
  - name: payments
    description: all of them
    source: warehouse
    query: select day, amount from payments where day >= $start and day < $end and kind = $param_kind
    parameters:
      - {name: kind, type: choice, label: Kind, default: new, choices: [new, old]}
      - {name: week, type: period, default: last_full_week}
    window: week
    columns: [{name: amount, label: Amount, unit: €, format: plain, decimals: 1}, {name: note, isHidden: true}]
    chart: {kind: bars, x: day, y: [amount]}
    title: Payments
    subtitle: of the week
    notes: "one\\ntwo"
    rowLimit: 500
  - {name: of a graph, graph: sales}
  - {name: of a dashboard, dashboard: mondays}
schedules:
  - name: by cron
    jobType: http.call
    cronExpression: 30 2 * * *
    timezone: Europe/Paris
    dstGap: skip
    dstFold: both
    startsAt: 2027-01-01T00:00:00+01:00
    endsAt: 2099-01-01T00:00:00Z
    maxRuns: 5
    misfirePolicy: all
    misfireGraceSeconds: 5
    misfireLimit: 7
    overlapPolicy: queue
    jitterSeconds: 3
    maxAttempts: 2
    backoff: {baseSeconds: 1, maxSeconds: 2.5}
    timeoutSeconds: 77
    unknownDeliveryPolicy: hold
    priority: 2
    queue: reports
    metadata: {team: a, "on": "yes"}
    tags: [x, "1"]
    calendar: closed
    deliverWithinSeconds: 900
    jobPayload:
      url: https://app.example.com/x
      method: PUT
      body: {"graphId": kept, list: [1, null]}
      headers: {Authorization: "Bearer ${env:TOKEN}", X-Plain: plain}
      secret: ${env:SIGNING}
      timeoutSeconds: 3.5
  - {name: by interval, jobType: test.noop, intervalSeconds: 3600, intervalAnchor: 2026-01-01T00:30:00Z}
  - {name: once, jobType: test.noop, scheduledAt: 2098-01-01T09:00:00Z}
  - {name: by pattern, jobType: test.noop, recurrence: {every: week, interval: 2, from: 2026-01-05, days: [mon, fri], hour: 8, minute: 15, weekends: false, shift: after}, calendar: closed}
kpiAlerts:
  - alertName: low
    description: told at once
    alertType: threshold
    recipients: [b@example.com, a@example.com, {role: admin}, {graph: sales, column: region}]
    channels: [ops]
    isActive: false
    graph: sales
    template: worded
    calendar: closed
    deliverWithinSeconds: 60
    tags: [t]
    scheduleOptions:
      dstGap: skip
      dstFold: both
      startsAt: 2027-01-01T00:00:00+01:00
      endsAt: 2099-01-01T00:00:00Z
      maxRuns: 5000
      misfirePolicy: all
      misfireGraceSeconds: 5
      misfireLimit: 7
      overlapPolicy: queue
      jitterSeconds: 3
      backoff: {baseSeconds: 1, maxSeconds: 2.5}
      timeoutSeconds: 77
      unknownDeliveryPolicy: hold
      priority: 2
      queue: default
      metadata: {team: a, "on": "yes"}
    threshold:
      measure: percentChange
      condition: LESS_THAN
      thresholdValue: -20.5
      baseline: rollingMean
      baselinePeriods: 5
      minimumChange: 0.1
      minimumBase: 1
      zeroBase: skip
      also: [{condition: GREATER_THAN, thresholdValue: 1}]
      match: any
      completePeriodsOnly: false
      lagPeriods: 1
      guards: {matches: {n: 2, of: 3}, recoverThreshold: -10, keepFiringForSeconds: 5, noData: ok, onError: alert}
      notify: {repeatSeconds: 3600, escalateByPercent: 10, escalateAt: [-30, -40], resolved: false, minSecondsBetweenNotices: 60}
      checkCron: 0 8 * * *
      timezone: Europe/Paris
  - alertName: mailed
    alertType: schedule
    recipients: [a@example.com]
    dashboard: mondays
    template: sent
    schedule:
      frequencyInterval: week
      every: 2
      from: 2026-01-05
      selectedDays: [mon]
      scheduleHour: 8
      scheduleMinute: 5
      shift: none
      timezone: Europe/Paris
      gatingCondition: {match: any, conditions: [{graph: sales, condition: GREATER_THAN, thresholdValue: 1}], onlyIfChanged: true}
      attachmentType: pdf
      freshness: {maxAgeSeconds: 60, waitSeconds: 600, otherwise: skip}
      audiences: [{recipients: [c@example.com], context: {region: north}}]
      periods: 10
      subtitle: of the week
  - alertName: pulsing
    recipients: [a@example.com]
    graph: sales
    threshold: {thresholdValue: 5, intervalSeconds: 90, intervalAnchor: 2026-01-01T00:00:10Z}
  - alertName: on business days
    recipients: [a@example.com]
    graph: sales
    calendar: closed
    threshold: {thresholdValue: 5, recurrence: {every: week, interval: 2, from: 2026-01-05, days: [mon, fri], hour: 8}}
  - {alertName: by interval again, alertType: schedule, recipients: [a@example.com], graph: sales, schedule: {intervalSeconds: 7200}}
  - {alertName: in June, alertType: schedule, recipients: [a@example.com], graph: sales, schedule: {recurrence: {every: year, month: 6, days: [15]}}}
  - {alertName: at the turn, alertType: schedule, recipients: [a@example.com], graph: sales, schedule: {scheduledAt: 2099-12-31T23:59:00Z}}
pulses:
  - name: words
    description: weekly
    prompt: What moved?
    cron: 0 7 * * 1
    cronTimezone: Europe/Paris
    enabled: false
    recipients: [a@example.com, {role: viewer}]
    graphs: [sales, orders]
    onModelFailure: error
    skipIfNothingNotable: true
    attachment: pdf
    testMode: true
    channels: [ops]
    template: weekly
    deliverWithinSeconds: 120
    calendar: closed
    tags: [w]
    scheduleOptions: {jitterSeconds: 30, overlapPolicy: skip, maxAttempts: 2, queue: alerts}
  - {name: hourly, prompt: "What now?", intervalSeconds: 3600, intervalAnchor: 2026-01-01T00:20:00Z}
  - {name: monthly, prompt: "What was it?", recurrence: {every: month, days: [last day], hour: 18}}
  - {name: one day, prompt: "What was it?", scheduledAt: 2099-01-01T00:00:00Z}
scheduledReports:
  - name: weekly payments
    description: for the books
    reportType: payments
    cronExpression: 0 6 * * 1
    timezone: Europe/Paris
    calendar: closed
    isActive: false
    exportFormats: [csv, pdf]
    parameters: {kind: old, week: last_7_days}
    tags: [books]
    emailEnabled: true
    emailRecipients: [a@example.com]
    emailCcRecipients: [b@example.com]
    emailBccRecipients: [c@example.com]
    emailSubject: "Payments"
    template: exported
    emailIncludeAttachment: false
    emailIncludePreview: true
    emailSendOnlyIfData: true
    errorAfter: null
    deliverWithinSeconds: 600
    scheduleOptions: {maxRuns: 52, misfirePolicy: skip, maxAttempts: 7}
  - {name: each half day, reportType: payments, exportFormats: [csv], intervalSeconds: 43200, intervalAnchor: 2026-01-01T06:00:00Z}
  - {name: first Fridays, reportType: payments, exportFormats: [csv], calendar: closed, recurrence: {every: month, days: [first fri], shift: before}}
  - {name: at the end, reportType: payments, exportFormats: [csv], scheduledAt: 2099-01-01T00:00:00Z}
"""

PLAIN = """
members:
  - {subject: ann, email: anna@example.com}
calendars:
  - {name: closed}
sources:
  - {name: warehouse, url: "postgresql://u@db.example.com/y"}
  - {name: api, type: http, url: https://api.example.com/others}
channels:
  - {name: ops, type: slack, options: {channel: C0456, endpoint: "https://chat.example.com"}}
templates:
  - {name: worded, purpose: kpi.threshold, text: y}
  - {name: weekly, purpose: pulse.report}
  - {name: exported, purpose: report.export}
  - {name: sent, purpose: kpi.schedule}
graphs:
  - {name: sales, source: api, query: "sales[*]"}
  - {name: orders, source: warehouse, query: "select 1"}
dashboards:
  - {name: mondays, graphs: [sales]}
limits:
  - {name: "source:warehouse", maxRunning: 4}
  - {name: "host:api.example.com", maxPerMinute: 5}
  - {name: tenant, maxRunning: 50}
webhooks:
  - {name: hook, events: [run.dead]}
crewEndpoints:
  - {name: planner, url: https://crew.example.com/other}
reportDefinitions:
  - {name: payments, graph: orders, parameters: [{name: kind, default: x}, {name: week, default: y}]}
  - {name: of a graph, dashboard: mondays}
  - {name: of a dashboard, source: warehouse, query: select 2}
schedules:
  - {name: by cron, jobType: http.call, intervalSeconds: 60, jobPayload: {url: https://app.example.com/y}}
  - {name: by interval, jobType: test.noop, cronExpression: "@daily"}
  - {name: once, jobType: test.noop, recurrence: {every: month, days: [last day]}}
  - {name: by pattern, jobType: test.noop, scheduledAt: 2098-01-01T09:00:00Z}
kpiAlerts:
  - {alertName: low, recipients: [a@example.com], graph: orders, threshold: {thresholdValue: 5}, scheduleOptions: {}}
  - {alertName: mailed, alertType: schedule, channels: [ops], graph: sales, schedule: {cron: 0 9 * * *}}
  - {alertName: pulsing, recipients: [a@example.com], graph: orders, threshold: {thresholdValue: 5}}
  - {alertName: on business days, recipients: [a@example.com], graph: orders, threshold: {thresholdValue: 5, intervalSeconds: 60}}
  - {alertName: by interval again, alertType: schedule, recipients: [a@example.com], graph: sales, schedule: {frequencyInterval: day}}
  - {alertName: in June, alertType: schedule, recipients: [a@example.com], graph: sales, schedule: {cron: 0 9 15 6 *}}
  - {alertName: at the turn, alertType: schedule, recipients: [a@example.com], graph: sales, schedule: {intervalSeconds: 60}}
pulses:
  - {name: words, prompt: "What else?", cron: 0 8 * * *, scheduleOptions: {priority: 1}, tags: []}
  - {name: hourly, prompt: "What now?", cron: 0 * * * *}
  - {name: monthly, prompt: "What was it?", intervalSeconds: 86400}
  - {name: one day, prompt: "What was it?", recurrence: {every: day, interval: 3}}
scheduledReports:
  - {name: weekly payments, reportType: of a graph, cronExpression: 0 9 * * 1, exportFormats: [html]}
  - {name: each half day, reportType: of a graph, cronExpression: 0 9 * * 1, exportFormats: [html]}
  - {name: first Fridays, reportType: of a graph, intervalSeconds: 600, exportFormats: [html]}
  - {name: at the end, reportType: of a graph, recurrence: {every: day}, exportFormats: [html]}
"""
