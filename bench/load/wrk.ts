import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../programs.ts';
import { type Latency, QUANTILES } from '../stats.ts';
import type { Subprocesses } from '../subprocesses.ts';
import { LEAST_PRIORITY, type LoadGenerator, type LoadPlan, type LoadResult } from './load.ts';

/** Seconds after which wrk gives a response up; its default of 2 is too short for ten thousand connections. */
const TIMEOUT_S = 10;
/** Seconds within which a `once` load must be complete; it ends by itself as soon as it is. */
const ONCE_LIMIT_S = 120;

/**
 * The script that wrk runs. One thread, so that one counter deals out the tokens.
 *
 * A connection asks for its next request after its last response. With `once` it gets an empty request when no token is
 * left, and stays silent; when all connections are silent, every response has arrived, and the script ends the load
 * with the signal for wrk's regular end. wrk calls request() once in advance to check the result; that call must not
 * use up a token.
 */
const script = `
local ffi = require('ffi')
ffi.cdef[[
  typedef struct { long seconds; long nanos; } moment;
  int clock_gettime(int clock, moment *now);
  int getpid(void);
  int kill(int pid, int signal);
]]
local MONOTONIC, PROCESS_CPU, SIGINT = 1, 2, 2

local function clock(which)
  local now = ffi.new('moment')
  ffi.C.clock_gettime(which, now)
  return tonumber(now.seconds) + tonumber(now.nanos) / 1e9
end

local requests, once, connections, position, silent, looked

function setup(thread)
  the_thread = thread
end

function init(args)
  once, connections, position, silent, looked = args[2] == 'once', tonumber(args[3]), 0, 0, false
  refused = args[4] ~= 'forwarded'
  local bytes, rate = tonumber(args[5]), tonumber(args[6])
  local method, body = 'GET', nil
  if bytes > 0 then method, body = 'POST', string.rep('a', bytes) end
  -- wrk asks for a pause before each request only if there is such a function.
  if rate > 0 then
    function delay() return math.random() * 2000 * connections / rate end
  end
  requests = {}
  for token in io.lines(args[1]) do
    local headers = token ~= '' and { ['Authorization'] = 'Bearer ' .. token } or {}
    requests[#requests + 1] = wrk.format(method, nil, headers, body)
  end
end

function request()
  if not looked then
    looked = true
    return requests[1]
  end
  if position == 0 and started == nil then
    started = clock(MONOTONIC)
    cpu_at_start = clock(PROCESS_CPU)
  end
  if position == #requests then
    if once then
      silent = silent + 1
      if silent == connections then
        ended = clock(MONOTONIC)
        ffi.C.kill(ffi.C.getpid(), SIGINT)
      end
      return ''
    end
    position = 0
  end
  position = position + 1
  return requests[position]
end

local function at(latency, percentage)
  return latency:percentile(percentage) / 1000
end

function done(summary, latency)
  local curve = {}
  for _, percentage in ipairs({ ${QUANTILES.map((share) => share * 100).join(', ')} }) do
    curve[#curve + 1] = string.format('%.3f', at(latency, percentage))
  end
  local errors = summary.errors
  -- wrk counts every status from 400 up as an error.
  local completed = the_thread:get('refused') and errors.status or summary.requests - errors.status
  local now = clock(MONOTONIC)
  local started = the_thread:get('started') or now
  local cpu = clock(PROCESS_CPU) - (the_thread:get('cpu_at_start') or 0)
  local ended = the_thread:get('ended') or now
  print(string.format(
    '{"completed":%d,"failures":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"p999":%.3f,"curve":[%s],"cores":%.3f}',
    completed, errors.connect + errors.read + errors.write + errors.timeout + summary.requests - completed,
    ended - started, at(latency, 50), at(latency, 99), at(latency, 99.9), table.concat(curve, ','),
    cpu / (ended - started)))
end
`;

interface Report extends Latency {
  readonly completed: number;
  readonly failures: number;
  readonly seconds: number;
  readonly cores: number;
}

export function wrkLoad(subprocesses: Subprocesses, directory: string): LoadGenerator {
  const file = join(directory, 'load.lua');
  writeFileSync(file, script);
  return {
    name: 'wrk',
    async run(plan: LoadPlan): Promise<LoadResult> {
      // wrk takes only whole seconds.
      const seconds = plan.use === 'once' ? ONCE_LIMIT_S : Math.max(1, Math.round(plan.seconds));
      const connections = String(plan.connections);
      const subprocess = subprocesses.spawn(
        'load',
        findProgram('wrk') ?? 'wrk',
        [
          '-t1',
          `-c${connections}`,
          `-d${seconds}`,
          '--timeout',
          `${TIMEOUT_S}s`,
          '-s',
          file,
          plan.url,
          '--',
        ].concat(
          plan.tokenFile,
          plan.use,
          connections,
          plan.expect,
          String(plan.uploadBytes ?? 0),
          String(plan.rate ?? 0),
        ),
        'pipe',
      );
      if (plan.background === true) setPriority(subprocess.pid, LEAST_PRIORITY);
      let text = '';
      subprocess.process.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      await once(subprocess.process, 'close');
      const line = /^\{.*\}$/m.exec(text)?.[0];
      if (line === undefined)
        throw new Error(`${subprocess.command} gave no result: ${text} ${subprocess.output}`);
      const report = JSON.parse(line) as Report;
      return {
        completed: report.completed,
        failures: report.failures,
        seconds: report.seconds,
        latency: { p50: report.p50, p99: report.p99, p999: report.p999, curve: report.curve },
        generatorCores: report.cores,
      };
    },
  };
}
