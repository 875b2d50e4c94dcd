import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Chromium, type Page } from '../support/chromium.ts';
import { eventually } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';
import { LoginStand, secret } from './login-stand.ts';

describe('the button to log out in Chromium', needs('chromium'), () => {
  const stand = new LoginStand();
  let browser: Chromium;
  let page: Page;

  before(async () => {
    await stand.start();
    browser = await Chromium.start();
    page = await browser.open('about:blank');
    for (const domain of ['Page', 'Network', 'Runtime']) await page.call(`${domain}.enable`);
  });
  after(async () => {
    await browser?.close();
    await stand.close();
  });

  const home = (): string => `http://127.0.0.1:${stand.port}/`;
  /** Waits until an expression is true, also over a change of the page. */
  const becomes = (expression: string): Promise<unknown> =>
    eventually(
      () => page.run(expression).catch(() => false),
      (value) => value === true,
    );
  const isHidden = `document.querySelector('#log-out').hidden`;

  test('is there after a login, and ends its session', async () => {
    await page.go(home());
    await becomes(`location.pathname === '/login' && document.querySelector('#secret') !== null`);
    await page.run(`document.querySelector('#secret').value = ${JSON.stringify(secret)};
      document.querySelector('form').submit()`);
    await becomes(`location.pathname === '/' && ${isHidden} === false`);
    const { cookies } = (await page.call('Network.getCookies')) as {
      cookies: { name: string; value: string }[];
    };
    const [{ name, value } = { name: '', value: '' }] = cookies;
    const cookie = `Cookie: ${name}=${value}`;
    assert.equal((await stand.send('GET /status', [cookie])).status, 200);
    await page.run(`document.querySelector('#log-out').click()`);
    await becomes(`location.pathname === '/login'`);
    assert.equal((await stand.send('GET /status', [cookie])).status, 401);
    const left = (await page.call('Network.getCookies')) as { cookies: unknown[] };
    assert.deepEqual(left.cookies, []);
  });

  test('is not there for a viewer with the bearer secret', async () => {
    await page.call('Network.setExtraHTTPHeaders', { headers: { Authorization: `Bearer ${secret}` } });
    await page.go(home());
    await becomes(`document.querySelector('#version')?.textContent !== ''`);
    assert.equal(await page.run(isHidden), true);
  });
});
