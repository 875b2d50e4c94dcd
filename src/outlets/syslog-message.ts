import { hostname } from 'node:os';
import type { SyslogConfig } from '../config/records-config.ts';

/** Numbers of facilities (RFC 5424 §6.2.1), by the names of syslog.conf. */
const FACILITIES: Readonly<Record<SyslogConfig['facility'], number>> = {
  user: 1,
  daemon: 3,
  ...{ local0: 16, local1: 17, local2: 18, local3: 19, local4: 20, local5: 21, local6: 22, local7: 23 },
};
/** The severity "informational". */
const INFORMATIONAL = 6;
const APP_NAME = 'portcullis';
const MESSAGE_ID = 'access';
/** No structured data. */
const NIL = '-';
/** Characters of a host name in a message (RFC 5424 §6). */
const MAX_HOST = 255;

/** Makes messages of syslog (RFC 5424) of lines. */
export class SyslogMessages {
  readonly #before: string;
  readonly #after: string;

  /** @param pid of this process. */
  constructor(facility: SyslogConfig['facility'], pid: number, host: string = hostname()) {
    this.#before = `<${FACILITIES[facility] * 8 + INFORMATIONAL}>1 `;
    const shown = host.replace(/[^!-~]/g, '').slice(0, MAX_HOST) || NIL;
    this.#after = ` ${shown} ${APP_NAME} ${pid} ${MESSAGE_ID} ${NIL} `;
  }

  /** @param line ASCII or not, with a line feed at its end, which the message has not. @param now wall-clock milliseconds. */
  of(line: string, now: number): string {
    return this.#before + new Date(now).toISOString() + this.#after + line.trimEnd();
  }
}
