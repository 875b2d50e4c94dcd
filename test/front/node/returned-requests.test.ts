import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { UNDER_WAY, UNUSED, type WriteHandle } from '../../../src/front/node/handle-writes.ts';
import { type ReturnedRequest, ReturnedRequests } from '../../../src/front/node/returned-requests.ts';

const bytes = Buffer.from('bytes');

/** A request as Node.js returns it. */
function requestOf(id: number, writeStatus: number | null): ReturnedRequest {
  return { oncomplete: null, kept: undefined, owner: undefined, writeStatus, getAsyncId: () => id };
}

/** Writes by both ways to a handle that returns `result`, and yields what the owner learns. */
function write(result: ReturnedRequest | number): { returned: number[]; reports: number[] } {
  const handle: WriteHandle = {
    writeQueueSize: 0,
    writeBuffer: (request) => {
      assert.equal(request, null);
      return result;
    },
    writev: (request) => {
      assert.equal(request, null);
      return result;
    },
  };
  const reports: number[] = [];
  const owner = { onWritten: (status: number) => void reports.push(status) };
  const writes = new ReturnedRequests();
  const returned = [
    writes.writeBuffer(handle, bytes, owner, bytes),
    writes.writev(handle, [bytes, bytes], owner, bytes),
  ];
  return { returned, reports };
}

describe('a write whose request Node.js returns', () => {
  it('is over, or has failed, by the number that comes in place of a request', () => {
    assert.deepEqual(write(0), { returned: [0, 0], reports: [] });
    assert.deepEqual(write(-32), { returned: [-32, -32], reports: [] });
  });

  it('is under way until the report, and keeps its bytes until then', () => {
    const request = requestOf(7, null);
    const { returned, reports } = write(request);
    assert.deepEqual(returned, [UNDER_WAY, UNDER_WAY]);
    assert.equal(request.kept, bytes);
    request.oncomplete?.(-104);
    assert.deepEqual(reports, [-104]);
    assert.equal(request.kept, undefined);
  });

  it('has ended inside the call by the status of its request', () => {
    const ended = requestOf(UNUSED, 0);
    assert.deepEqual(write(ended), { returned: [0, 0], reports: [] });
    assert.deepEqual(write(requestOf(UNUSED, -32)), { returned: [-32, -32], reports: [] });
    assert.equal(ended.oncomplete, null);
  });

  it('has failed when its request is gone without a status', () => {
    const { returned, reports } = write(requestOf(UNUSED, null));
    assert.ok(returned.every((result) => result < 0));
    assert.deepEqual(reports, []);
  });
});
