import { statSync } from 'node:fs';
import { resolve as absolute, dirname } from 'node:path';
import type { ClaimName } from '../claim-name.ts';
import type { Config } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { AccessLogConfig, SyslogConfig } from '../records-config.ts';
import { parseAddress, parseUnixPath } from '../schema/address.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';
import { checkSocketPath } from './listen.ts';
import { checkClaimPath, refuseRepeats } from './require.ts';

type FileAccess = Exclude<FileConfig['log']['access'], 'off' | 'errors' | number>;

const ACCESS: KeyPath = ['log', 'access'];

/** The settings of the log. */
export function resolveLog(file: FileConfig, folder: string, findings: Findings): Config['log'] {
  const { level, format, access: asked, refused } = file.log;
  const access = typeof asked === 'object' ? asked.mode : asked;
  const accessLog = typeof asked === 'object' ? resolveAccessLog(asked, folder, findings) : undefined;
  const isElsewhere = accessLog?.file !== undefined || accessLog?.syslog !== undefined;
  if (level === 'warn' || level === 'error') {
    const needs = { access: isElsewhere ? 'off' : access, refused };
    for (const key of ['access', 'refused'] as const) {
      if (needs[key] === 'off') continue;
      findings.fault(
        ['log', key],
        `needs log.level info or debug, which is ${level}; must be off, or the level another`,
      );
    }
  }
  return {
    level,
    ...(format === 'json' ? {} : { format }),
    access,
    ...(accessLog === undefined ? {} : { accessLog }),
    ...(refused === 'details' ? { refused } : {}),
  };
}

function resolveAccessLog(
  { format, file, syslog, fields, claims }: FileAccess,
  folder: string,
  findings: Findings,
): AccessLogConfig {
  if (file !== undefined && syslog !== undefined)
    findings.fault(ACCESS, 'has file and syslog; must have one of them');
  if (format !== undefined && file === undefined && syslog === undefined)
    findings.fault(
      [...ACCESS, 'format'],
      'is for a file or syslog; must be left out, and log.format set',
      'key',
    );
  if (fields !== undefined) refuseRepeats(fields, [...ACCESS, 'fields'], findings);
  for (const [index, claim] of (claims ?? []).entries())
    checkClaimPath(claim, [...ACCESS, 'claims', index], 'value', findings);
  refuseRepeats((claims ?? []).map(claimLabel), [...ACCESS, 'claims'], findings);
  return {
    ...(format === undefined ? {} : { format }),
    ...(file === undefined ? {} : { file: resolveFile(file, folder, findings) }),
    ...(syslog === undefined ? {} : { syslog: resolveSyslog(syslog, folder, findings) }),
    ...(fields === undefined ? {} : { fields }),
    ...(claims === undefined ? {} : { claims }),
  };
}

/** The name of a claim in a line. */
function claimLabel(claim: ClaimName): string {
  return typeof claim === 'string' ? claim : claim.join('.');
}

function resolveFile(file: string, folder: string, findings: Findings): string {
  const path = absolute(folder, file);
  const at = [...ACCESS, 'file'];
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true)
    findings.fault(at, 'is in a folder that does not exist; must be in one that does');
  else if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    findings.fault(at, 'is no file; must be one, or the name of one that can be made');
  return path;
}

function resolveSyslog(
  syslog: NonNullable<FileAccess['syslog']>,
  folder: string,
  findings: Findings,
): SyslogConfig {
  const isShort = typeof syslog === 'string';
  const text = isShort ? syslog : syslog.server;
  const at = [...ACCESS, 'syslog', ...(isShort ? [] : ['server'])];
  const facility = isShort ? 'local0' : syslog.facility;
  const socket = parseUnixPath(text);
  if (socket !== undefined) {
    const path = absolute(folder, socket);
    checkSocketPath({ path }, at, findings);
    return { server: { transport: 'unix', path, text: `unix:${path}` }, facility };
  }
  const [, transport, place = ''] = /^(udp|tcp):\/\/(.+)$/.exec(text) ?? [];
  const address = parseAddress(place);
  if (address === undefined || address.port === 0 || place.startsWith(':'))
    findings.fault(
      at,
      'is no server; must be one such as udp://127.0.0.1:514, tcp://logs.internal:601 or unix:/run/syslog.sock',
    );
  const { host = '', port = 0 } = address ?? {};
  return { server: { transport: transport === 'tcp' ? 'tcp' : 'udp', host, port, text }, facility };
}
