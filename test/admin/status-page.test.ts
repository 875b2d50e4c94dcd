import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import axe from 'axe-core';
import { Chromium, type Page } from '../support/chromium.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { needs } from '../support/programs.ts';
import { request } from '../support/wire.ts';

const SECRET = 'page-secret';

/** Widths of a phone, a desk and a wall, with heights. */
const SIZES = [
  [360, 740],
  [1280, 900],
  [2560, 1440],
] as const;

describe('the status page in Chromium', needs('chromium'), () => {
  let origin: Origin;
  let gateway: TestGateway;
  let browser: Chromium;
  let page: Page;

  const start = (port: number): Promise<TestGateway> =>
    startGateway({
      upstreamPort: origin.port,
      config: { admin: { host: '127.0.0.1', port, hosts: [], secret: SECRET } },
    });
  const get = async (): Promise<void> => {
    const head = `GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: ${gateway.bearer()}\r\n\r\n`;
    assert.equal((await request(gateway.port, head)).status, 200);
  };
  const textOf = async (selector: string): Promise<string> =>
    String(await page.run(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`));
  /** Waits until the text of an element is as wanted. */
  const reads = (selector: string, wanted: RegExp): Promise<string> =>
    eventually(
      () => textOf(selector),
      (text) => wanted.test(text),
    );

  before(async () => {
    origin = await Origin.start();
    origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    gateway = await start(0);
    browser = await Chromium.start();
    page = await browser.open('about:blank');
    for (const domain of ['Page', 'Network', 'Runtime', 'Log', 'Audits']) await page.call(`${domain}.enable`);
    // In place of the cookie of a login.
    await page.call('Network.setExtraHTTPHeaders', { headers: { Authorization: `Bearer ${SECRET}` } });
    await get();
    await page.go(`http://127.0.0.1:${gateway.adminPort}/`);
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
    await origin?.close();
  });

  test('loads, and draws what there is', async () => {
    await reads('#state', /^ready$/);
    await reads('#outcomes td', /^forwarded$/);
    const isDrawn = `[...document.querySelectorAll('canvas')].every((canvas) =>
      new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)
        .some((pixel) => pixel !== 0))`;
    assert.equal(await page.run('document.querySelectorAll("canvas").length'), 6);
    assert.equal(await page.run(isDrawn), true);
  });

  test('follows a request, and a server that is drained by its button', async () => {
    const requests = '#routes td[data-label="Requests"]';
    await reads(requests, /^1$/);
    await get();
    await reads(requests, /^2$/);
    await reads('#servers td[data-label="State"]', /^up$/);
    await page.run(`document.querySelector('#servers button').click()`);
    await reads('#servers td[data-label="State"]', /^draining$/);
    await reads('#said', /: drain$/);
    await reads('#servers button', /^Make ready$/);
    await page.run(`document.querySelector('#servers button').click()`);
    await reads('#servers td[data-label="State"]', /^up$/);
  });

  test('has no fault that axe finds, and nothing that is cut, light and dark, on phone, desk and wall', async () => {
    await page.run(`${axe.source}; undefined`);
    for (const [width, height] of SIZES) {
      for (const value of ['light', 'dark']) {
        const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 500 };
        await page.call('Emulation.setDeviceMetricsOverride', metrics);
        await page.call('Emulation.setEmulatedMedia', {
          features: [{ name: 'prefers-color-scheme', value }],
        });
        const faults = await page.run(`axe.run().then(({ violations }) =>
          violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => [id, target, failureSummary].join(' '))))`);
        assert.deepEqual(faults, [], `${width} ${value}`);
        const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        assert.equal(await page.run(overflow), 0, `${width} ${value}`);
      }
    }
  });

  test('says that the gateway has gone, and comes back with it', async () => {
    const { adminPort } = gateway;
    await gateway.close();
    await reads('#banner', /^The gateway does not answer since /);
    assert.equal(await page.run(`document.body.classList.contains('stale')`), true);
    gateway = await start(adminPort);
    await reads('#state', /^ready$/);
    await reads('#banner', /^$/);
    assert.equal(await page.run(`document.body.classList.contains('stale')`), false);
    await get();
    await reads('#routes td[data-label="Requests"]', /^1$/);
  });

  test('shows the way to log in when its secret is no longer taken', async () => {
    const { adminPort } = gateway;
    await page.call('Network.setExtraHTTPHeaders', { headers: {} });
    await gateway.close();
    gateway = await start(adminPort);
    await reads('#banner a[href="/login"]', /^Log in$/);
  });

  test('asked nothing of others, and broke no policy of its own', () => {
    const asked = page.events
      .filter(({ method }) => method === 'Network.requestWillBeSent')
      .map(({ params }) => new URL(params.request.url));
    assert.ok(asked.length > 10);
    assert.deepEqual(asked.filter(({ host }) => host !== `127.0.0.1:${gateway.adminPort}`).map(String), []);
    const faults = page.events.filter(
      ({ method, params }) =>
        method === 'Runtime.exceptionThrown' ||
        (method === 'Audits.issueAdded' && params.issue.code === 'ContentSecurityPolicyIssue') ||
        (method === 'Log.entryAdded' && params.entry.source === 'security'),
    );
    assert.deepEqual(faults, []);
  });
});
