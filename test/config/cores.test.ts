import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { availableCores } from '../../src/config/resolve/cores.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

/** Files of a system by their path. */
type Files = Readonly<Record<string, string>>;

function coresOf(files: Files, affinity = 16): number {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return availableCores({ affinity, root });
}

const v2 = '29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';
const v1 = '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n';
const others =
  '22 28 0:20 / /sys rw,relatime shared:2 - sysfs sysfs rw\n35 31 0:32 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n';

/** A container with its own view: its group is the topmost that it sees. */
const container = (cpuMax: string): Files => ({
  'proc/self/cgroup': '0::/\n',
  'proc/self/mountinfo': others + v2,
  'sys/fs/cgroup/cpu.max': `${cpuMax}\n`,
});

const service = (groups: Files): Files => ({
  'proc/self/cgroup': '0::/system.slice/portcullis.service\n',
  'proc/self/mountinfo': others + v2,
  ...groups,
});

const old = (group: string, quotas: Files, mount = v1): Files => ({
  'proc/self/cgroup': `8:pids:/${group}\n4:cpu,cpuacct:/${group}\n1:name=systemd:/elsewhere\n0::/\n`,
  'proc/self/mountinfo': others + mount,
  ...Object.fromEntries(
    Object.entries(quotas).flatMap(([at, quota]) => [
      [`sys/fs/cgroup/cpu,cpuacct/${at}cpu.cfs_quota_us`, `${quota}\n`],
      [`sys/fs/cgroup/cpu,cpuacct/${at}cpu.cfs_period_us`, '100000\n'],
    ]),
  ),
});

describe('the cores of a process', () => {
  for (const [name, files, cores] of [
    ['are its CPUs where nothing is known of groups', {}, 16],
    ['are its CPUs without a quota', container('max 100000'), 16],
    ['are those its quota pays for', container('300000 100000'), 3],
    ['are those its quota pays for, with any period', container('80000 20000'), 4],
    ['are no more than its CPUs', container('9900000 100000'), 16],
    ['leave a part of one out', container('190000 100000'), 1],
    ['are never less than one', container('5000 100000'), 1],
    ['ignore what they cannot read', container('many of them'), 16],
    ['ignore a period of none', container('100000 0'), 16],
    [
      'are limited by the group',
      service({ 'sys/fs/cgroup/system.slice/portcullis.service/cpu.max': '200000 100000\n' }),
      2,
    ],
    [
      'are limited by a group above',
      service({
        'sys/fs/cgroup/system.slice/portcullis.service/cpu.max': '800000 100000\n',
        'sys/fs/cgroup/system.slice/cpu.max': '500000 100000\n',
      }),
      5,
    ],
    [
      'are not limited by a group beside',
      service({
        'sys/fs/cgroup/system.slice/portcullis.service/cpu.max': 'max 100000\n',
        'sys/fs/cgroup/system.slice/other.service/cpu.max': '100000 100000\n',
      }),
      16,
    ],
    ['are limited by a group of version 1', old('app', { 'app/': '250000', '': '-1' }), 2],
    ['are limited by a group above of version 1', old('a/b', { 'a/b/': '-1', 'a/': '700000' }), 7],
    [
      'are limited where the mount begins at the group itself',
      old('docker/17', { '': '300000' }, v1.replace(' / ', ' /docker/17 ')),
      3,
    ],
    [
      'are limited in a group below the one where the mount begins',
      old('docker/17/inner', { 'inner/': '200000', '': '300000' }, v1.replace(' / ', ' /docker/17 ')),
      2,
    ],
    [
      'are not limited by a mount of others',
      old('docker/17', { '': '300000' }, v1.replace(' / ', ' /docker/1 ')),
      16,
    ],
    [
      'are limited by version 1 while version 2 is there beside it',
      {
        ...old('app', { 'app/': '400000' }, v1 + v2.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified')),
        'proc/self/cgroup': '0::/\n4:cpuacct,cpu:/app\n',
      },
      4,
    ],
    [
      'are found where a mount has a blank in its name',
      {
        ...container('max 100000'),
        'proc/self/mountinfo': v2.replace('/sys/fs/cgroup', '/my\\040groups'),
        'my groups/cpu.max': '600000 100000\n',
      },
      6,
    ],
    [
      'are those of the visible root for a process outside of it',
      { ...container('200000 100000'), 'proc/self/cgroup': '0::/../../other\n' },
      2,
    ],
  ] as const) {
    test(name, () => assert.equal(coresOf(files), cores));
  }

  test('are one on one CPU', () => assert.equal(coresOf(container('300000 100000'), 1), 1));

  test('are found on this machine', () => {
    const cores = availableCores();
    assert.ok(cores >= 1 && cores <= availableParallelism(), String(cores));
  });
});
