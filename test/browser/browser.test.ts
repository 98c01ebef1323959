/** The library in a real browser: the same steps as in Node, on WebAssembly and, where it works, on WebGPU. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { openSite, type Site } from './site.js';
import { type ThreeSteps, threeSteps } from './threeSteps.js';

const executablePath = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));
const skip = executablePath === undefined && 'Chromium is not installed (Debian: apt-get install chromium)';

/** A browser that talks to nobody but the page. */
const QUIET = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WITHOUT_GPU = ['--disable-gpu'];
const SWIFTSHADER = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-unsafe-swiftshader'];

let site: Site;
let expected: ThreeSteps;
before(async () => {
  if (skip) return;
  site = await openSite();
  expected = await threeSteps('cpu');
});
after(() => site?.close());

/** Opens the page and hands it over; what it complains about goes to `complaints`. */
async function inBrowser(args: string[], use: (page: Page, complaints: string[]) => Promise<void>): Promise<void> {
  const browser: Browser = await chromium.launch({ executablePath, args: [...QUIET, ...args], timeout: 60_000 });
  const complaints: string[] = [];
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    page.on('response', (response) => {
      if (response.status() >= 400 && !response.url().endsWith('favicon.ico'))
        complaints.push(`${response.url()}: ${response.status()}`);
    });
    await page.goto(site.url);
    await page.waitForFunction('"threeSteps" in globalThis');
    await use(page, complaints);
  } finally {
    await browser.close();
  }
}

function closeTo(got: ThreeSteps, wanted: ThreeSteps): void {
  assert.equal(got.losses.length, 3);
  got.losses.forEach((loss, i) =>
    assert(Math.abs(loss - wanted.losses[i]) < 1e-4, `step ${i + 1}: ${loss}, not ${wanted.losses[i]}`),
  );
  got.gradientNorms.forEach((norm, i) =>
    assert(
      Math.abs(norm / wanted.gradientNorms[i] - 1) < 1e-3,
      `norm ${i + 1}: ${norm}, not ${wanted.gradientNorms[i]}`,
    ),
  );
  assert(
    Math.abs(got.parameterSum / wanted.parameterSum - 1) < 1e-4,
    `parameters: ${got.parameterSum}, not ${wanted.parameterSum}`,
  );
}

test('the bundle holds nothing of Node and no native engine', { skip }, () => {
  const foreign = site.modules.filter((name) =>
    /onnxruntime-node|\/sharp\/|\/data\/(?!order)|\/checkpoint\/|\/cli\//.test(name),
  );
  assert.deepEqual(foreign, []);
});

test('three steps of pre-training on wasm, with threads, give the losses of Node', { skip }, async () => {
  await inBrowser(WITHOUT_GPU, async (page, complaints) => {
    assert.equal(await page.evaluate('crossOriginIsolated'), true);
    closeTo((await page.evaluate('threeSteps("wasm")')) as ThreeSteps, expected);
    assert.deepEqual(complaints, []);
  });
});

test('the cpu device is refused in a browser, with one sentence', { skip }, async () => {
  await inBrowser(WITHOUT_GPU, async (page) => {
    const message = await page.evaluate('threeSteps("cpu").then(() => "", (error) => error.message)');
    assert.match(String(message), /^The cpu device runs in Node alone; in a browser use wasm or webgpu\.$/);
  });
});

test('three steps of pre-training on webgpu give the losses of Node', { skip }, async (t) => {
  await inBrowser(SWIFTSHADER, async (page) => {
    const adapter = await page.evaluate('navigator.gpu?.requestAdapter().then((a) => a !== null) ?? false');
    if (!adapter) return t.skip('this browser offers no WebGPU adapter');
    closeTo((await page.evaluate('threeSteps("webgpu")')) as ThreeSteps, expected);
  });
});
