import type { Certificates } from './certificates.ts';
import { ClientSocket, type OpenOptions } from './client-socket.ts';
import type { HangReport } from './hang-report.ts';
import type { Judgement } from './judgement.ts';

export interface JudgedOptions extends OpenOptions {
  readonly judgement: Judgement;
  readonly reportHang: HangReport;
  /** Undefined: without TLS. */
  readonly certificates: Certificates | undefined;
}

/**
 * Opens a connection, and judges how: it must open in time, and with a certificate in force.
 * @param placeOf where in the soak a connection is, for a report.
 */
export async function openJudged(
  options: JudgedOptions,
  placeOf: (socket: ClientSocket) => string,
): Promise<ClientSocket> {
  const { judgement, certificates, reportHang } = options;
  const since = performance.now();
  const socket = await ClientSocket.open(options);
  if (socket.isLate) {
    judgement.blameConnection(`it does not open in time${await reportHang(socket)}`, placeOf(socket));
    socket.leave();
  }
  const fault = certificates?.faultOf(socket.certificate, since);
  if (fault !== undefined) judgement.blameConnection(fault, placeOf(socket));
  return socket;
}
