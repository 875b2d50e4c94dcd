import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Counter } from '../lib/counters.ts';
import { LineLimit } from '../lib/line-limit.ts';
import type { Log } from '../lib/log.ts';
import { DatagramOutlet } from './datagram-outlet.ts';
import { FileOutlet } from './file-outlet.ts';
import type { LineOutlet, OutletEvents } from './line-outlet.ts';
import { StreamOutlet } from './stream-outlet.ts';
import { SyslogMessages } from './syslog-message.ts';

/**
 * The file or syslog of the access log; undefined where its lines go to the log.
 * @param dropped counts lines that are lost.
 */
export function accessOutlet(
  { accessLog }: Config['log'],
  log: Log,
  dropped: Counter,
  clock: Pick<Clock, 'wall'>,
): LineOutlet | undefined {
  const { file, syslog } = accessLog ?? {};
  if (file !== undefined) return new FileOutlet(file, eventsTo(log, dropped, { file }));
  if (syslog === undefined) return undefined;
  const { server } = syslog;
  const messages = new SyslogMessages(syslog.facility, process.pid);
  const message = (line: string): string => messages.of(line, clock.wall());
  const events = eventsTo(log, dropped, { syslog: server.text });
  return server.transport === 'udp'
    ? new DatagramOutlet(server, message, events)
    : new StreamOutlet(server, message, events);
}

/** Logs that lines cannot be written, a few times, and once that they can again. */
function eventsTo(log: Log, dropped: Counter, where: object): OutletEvents {
  let failing = false;
  const limit = new LineLimit(() => {});
  return {
    lost: (lines) => {
      dropped.value += lines;
    },
    failed: (why) => {
      failing = true;
      if (limit.take()) log.warn({ ...where, why }, 'the access log cannot be written');
    },
    recovered: () => {
      if (!failing) return;
      failing = false;
      if (limit.take()) log.info(where, 'the access log can be written again');
    },
  };
}
