// browser: one Chromium, set up so that it asks nothing of the internet, and a watch on what goes
// wrong in it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';

const { chromium } = createRequire(join(process.env.MODULES ?? process.cwd(), 'x.js'))('playwright-core');

export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 860 } };

export async function withBrowser(f) {
  const profile = mkdtempSync(join(tmpdir(), 'moorwatch-browser-'));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    return await f(browser);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

// A page of one size, with everything that it did wrong in `faults`.
export async function openPage(browser, base, size, options = {}) {
  const context = await browser.newContext({ viewport: SIZES[size], locale: 'en-GB', timezoneId: 'America/New_York', hasTouch: size === 'phone', ...options });
  const page = await context.newPage();
  const faults = [];
  // A refused login is an answer, though the console calls it an error.
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type()) && !/status of 401/.test(m.text())) faults.push(`console: ${m.text()}`); });
  page.on('pageerror', (e) => faults.push(`error: ${e.message}`));
  page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('data:')) faults.push(`external request: ${r.url()}`); });
  return { page, faults, context };
}

export async function login(page, base, name, password) {
  await page.goto(`${base}/`);
  await page.fill('#name', name);
  await page.fill('#password', password);
  await page.click('button:has-text("Log in")');
  await page.waitForSelector('nav a[aria-current]');
}
