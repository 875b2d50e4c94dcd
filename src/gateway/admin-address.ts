import type { Place } from '../admin/http-server.ts';
import { type Admin, type AdminOptions, startAdmin } from '../admin/server.ts';
import type { AdminAddress } from '../config/config.ts';
import { bindSentence } from '../front/bind-fault.ts';
import { bindError, privately, SocketFile } from '../front/socket-file.ts';
import { addressText } from '../http/host-port.ts';
import { StartError } from '../lib/start-error.ts';

type Terms = Omit<AdminOptions, keyof Extract<Place, { host: string }> | 'path' | 'hosts' | 'secret'>;

/** Binds the address for operators, and serves there. @throws StartError */
export function openAdmin(config: AdminAddress, terms: Terms): Promise<Admin> {
  const { hosts, secret } = config;
  const all = { ...terms, hosts, secret };
  return 'path' in config ? onSocket(config.path, all) : onPort(config, all);
}

async function onPort(
  { host, port }: Extract<AdminAddress, { host: string }>,
  terms: Omit<AdminOptions, 'host' | 'port' | 'path'>,
): Promise<Admin> {
  try {
    return await startAdmin({ ...terms, host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'no reason given';
    throw new StartError(
      `cannot listen on ${addressText({ host, port })}, the address of admin: ${bindSentence(code)}`,
      { cause: error },
    );
  }
}

async function onSocket(path: string, terms: Omit<AdminOptions, 'host' | 'port' | 'path'>): Promise<Admin> {
  const file = await SocketFile.prepare(path, false);
  const bind = (): Promise<Admin> => startAdmin({ ...terms, path: file.boundPath });
  const admin = await privately(bind).catch(() => {
    throw bindError(path);
  });
  try {
    file.place();
  } catch (error) {
    await admin.close();
    throw error;
  }
  return {
    address: addressText({ path }),
    close: () => {
      file.remove();
      return admin.close();
    },
  };
}
