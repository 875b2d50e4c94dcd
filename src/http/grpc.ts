import type { RequestHead } from './message.ts';

const GRPC = 'application/grpc';

/**
 * Whether a Content-Type is that of a gRPC message: `application/grpc` alone, or with a coding or parameters behind it
 * (gRPC over HTTP/2, "Requests"). `application/grpc-web` is another protocol.
 */
export function isGrpcType(contentType: string): boolean {
  if (contentType.length < GRPC.length) return false;
  const type = contentType.slice(0, GRPC.length);
  if (type !== GRPC && type.toLowerCase() !== GRPC) return false;
  const next = contentType.charAt(GRPC.length);
  return next === '' || next === '+' || next === ';' || next === ' ';
}

/** Whether a request is a call of gRPC. */
export function isGrpcCall({ names, values }: RequestHead): boolean {
  const at = names.indexOf('content-type');
  return at >= 0 && isGrpcType(values[at] as string);
}
