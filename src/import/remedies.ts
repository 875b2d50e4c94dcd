/** Lines that are carried over with others, or that say what the gateway does anyway. */
const SILENT =
  /^(?:mode|acl|bind|use_backend|default_backend|monitor-uri|server|default-server|server-template|redirect|http-check|description|id|option (?:forwardfor|httpchk|http-keep-alive|redispatch|dontlognull|httplog|tcplog|http-server-close|httpclose|forceclose|log-health-checks|http-use-htx|tcp-smart-accept|tcp-smart-connect|clitcpka|srvtcpka|tcpka|splice-auto|splice-request|splice-response|http-ignore-probes|contstats|socket-stats|abortonclose|log-separate-errors|dontlog-normal|prefer-last-server|logasap|http-buffer-request|accept-invalid-http-request|accept-invalid-http-response|idle-close-on-response)|timeout (?:connect|server|client|http-request|http-keep-alive|tunnel|check)|maxconn|http-request (?:deny|allow|tarpit|reject|silent-drop|auth|redirect|return|set-var.*|unset-var.*|set-header|add-header|del-header|set-path|set-uri|replace-.*|set-pathq|set-query|set-method)|http-response (?:set-header|add-header|del-header|deny)|tcp-request (?:inspect-delay|content (?:accept|reject)|connection (?:accept|reject)))(?: |$)/;

/** What to do about a line, by how it begins; the first that fits counts. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^log(?:-format|-tag|-send-hostname|-stderr)?\b/,
    'the gateway logs JSON lines on standard output; log.access chooses the requests',
  ],
  [
    /^global (?:daemon|pidfile|master-worker|nbthread|nbproc|cpu-map|user|group|chroot|uid|gid|ulimit-n|maxconnrate)\b/,
    'the service sets it; see docs/systemd.md and listeners',
  ],
  [/^global maxconn\b/, 'limits.connections is the number for all addresses'],
  [/^global stats\b/, 'the admin address has metrics and status; see docs/operations.md'],
  [
    /^global (?:ssl-|tune\.ssl|ca-base|crt-base|issuers-chain)/,
    'listen.tls and upstreams.NAME.tls have the settings of TLS; paths start at the folder of the file',
  ],
  [/^global lua/, 'there are no scripts; do it in the service'],
  [/^global (?:presetenv|setenv|resetenv|unsetenv)\b/, 'set the variable in the environment of the gateway'],
  [/^global\b/, 'has no counterpart; it can go'],
  [/^stats\b/, 'the admin address has status and metrics; see docs/operations.md'],
  [/^errorfile|^http-error|^errorloc/, 'refusals have fixed bodies; see docs/errors.md'],
  [/^compression\b|^filter compression/, 'let the services compress'],
  [
    /^(?:filter cache|http-request cache-use|http-response cache-store)/,
    'there is no cache; put one in front',
  ],
  [/^filter\b/, 'there are no filters; do it in the service'],
  [/^stick|track-sc|sc-inc|sc-set/, 'requests are not counted here; limit them in front'],
  [
    /^cookie\b|^appsession/,
    'no cookie keeps a client with its server; balance: { hash: client, sticky: true } does',
  ],
  [/^hash-type|^hash-balance/, 'balance chooses by rendezvous hashing'],
  [/^timeout queue/, 'timeouts.connect of the upstream includes the wait for a connection'],
  [/^timeout\b/, 'see timeouts in docs/configuration.md'],
  [/capture\b|^capture|^declare/, 'the access log has fixed fields; see docs/operations.md'],
  [/^unique-id|^http-request set-log-level/, 'requestId gives each request an id'],
  [
    /^option (?:forwarded|originalto|nolinger|allbackups|transparent|external-check|ldap-check|mysql-check|pgsql-check|redis-check|smtpchk|ssl-hello-chk|tcp-check|persist)/,
    'has no counterpart; see docs/upstreams.md',
  ],
  [
    /^tcp-check|^email-alert|^mailers/,
    'checks are by HTTP or by connection; see health in docs/upstreams.md',
  ],
  [/^use-server/, 'make an upstream for that server, and a route to it'],
  [/^fullconn|^rate-limit|^backlog|^maxqueue/, 'see limits in docs/configuration.md'],
  [
    /^(?:peers|resolvers|userlist|mailers|program|http-errors|ring|cache|fcgi-app|log-forward|traces|crt-store|acme)\b/,
    'has no counterpart; the gateway resolves names by the system',
  ],
  [/^monitor fail/, '/readyz of the admin address says whether the gateway is ready'],
  [
    /^http-request (?:normalize-uri)/,
    'paths are forwarded as sent, and refused where they have two readings; see docs/http-semantics.md',
  ],
];

/** What to do about a line that has no counterpart; undefined for a line that needs nothing. */
export function remedyOf(section: string, words: readonly string[]): string | undefined {
  const text = words.join(' ');
  if (section !== 'global' && SILENT.test(text.replace(/^no /, ''))) return undefined;
  const begun =
    section === 'global'
      ? `global ${text}`
      : /^(?:frontend|backend|listen|defaults)$/.test(section)
        ? text
        : `${section} ${text}`;
  const remedy = REMEDIES.find(([form]) => form.test(begun))?.[1];
  return remedy ?? 'has no counterpart; see docs/configuration.md for what can be said';
}
