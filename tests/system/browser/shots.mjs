// shots: pictures of every page on a phone and a desktop, light and dark.
// Run by tools/screenshots.
import { mkdirSync } from 'node:fs';
import { withBrowser, openPage, login } from './browser.mjs';
import { withServer } from './server.mjs';

const folder = process.argv[2] || 'screenshots';
const PAGES = [
  ['alerts', '#/alerts', '.alert'], ['alert', '#/alerts/3', '.alert-detail .facts'], ['sites', '#/sites', 'tbody tr'],
  ['site', '#/sites/elwick-road', '.chart'], ['hotspots', '#/hotspots', '.ranking .card'],
  ['tasking', '#/tasking', '.task'], ['devices', '#/devices', '.device'],
];

mkdirSync(folder, { recursive: true });
await withServer(({ base, name, password }) => withBrowser(async (browser) => {
  for (const [size, scheme] of [['desktop', 'light'], ['phone', 'light'], ['desktop', 'dark'], ['phone', 'dark']]) {
    const { page, faults } = await openPage(browser, base, size, { colorScheme: scheme });
    await page.goto(`${base}/`);
    await page.waitForSelector('.login');
    await page.screenshot({ path: `${folder}/login-${size}-${scheme}.png` });
    await login(page, base, name, password);
    for (const [file, hash, wait] of PAGES) {
      await page.goto(`${base}/${hash}`);
      await page.waitForSelector(wait);
      if (file === 'hotspots') await page.click('.ranking .cover-button >> nth=0');
      await page.waitForTimeout(400);
      await page.screenshot({ path: `${folder}/${file}-${size}-${scheme}.png`, fullPage: size === 'phone' && file !== 'alerts' });
    }
    for (const fault of faults) console.error(`shots: ${size} ${scheme}: ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}));
