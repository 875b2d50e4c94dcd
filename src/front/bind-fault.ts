/** Cause and remedy, by the errno of a bind. */
const sentences: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'the port is taken by another program; stop it (`ss -ltnp` shows which it is) or choose another address',
  EADDRNOTAVAIL: 'it is not an address of this machine; choose one that is',
  EAFNOSUPPORT: 'this machine has no such addresses; choose one of another family',
  EACCES: 'this user may not use the port; choose one above 1023 or grant CAP_NET_BIND_SERVICE',
  ENOTFOUND: 'it is not a known host name; choose an address of this machine',
};

/** Cause and remedy for an address that only one process may bind. @param code errno name of the bind. */
export function bindSentence(code: string): string {
  return sentences[code] ?? `the system says ${code || 'nothing'}; choose another address`;
}

/** Cause and remedy for an address of clients, which two gateways can share. @param code errno name of the bind. */
export function listenSentence(code: string): string {
  const sentence = bindSentence(code);
  return code === 'EADDRINUSE'
    ? `${sentence}; --share-port is only for a second portcullis that is to serve beside the first`
    : sentence;
}
