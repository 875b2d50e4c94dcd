/** Bytes of DATA that a stream or a connection may carry before anything was said of it (RFC 9113 §6.9.2). */
export const FIRST_WINDOW = 65_535;

/**
 * Bytes of a request body, or into a tunnel, that a client may send before any were taken. Bounds what one stream can
 * bring behind a pause, and is a round trip's worth at a GBit/s over 2 ms.
 */
export const STREAM_WINDOW = 256 * 1024;

/** Bytes of DATA that a client may send on all streams together before any were granted anew. */
export const CONNECTION_WINDOW = 1024 * 1024;
