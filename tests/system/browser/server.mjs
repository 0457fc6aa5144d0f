// server: one webserver with its own data base, for the length of a test.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

export async function withServer(f) {
  const { WEBSERVER, WEB_DIR, LEAFLET_DIR, WARDS } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'moorwatch-page-'));
  const child = spawn(WEBSERVER, [join(folder, 'store.db'), WEB_DIR, LEAFLET_DIR, ...(WARDS ? [WARDS] : [])], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    const [line] = await Promise.race([once(child.stdout, 'data'), exited.then(() => { throw new Error('webserver ended before it began'); })]);
    const [port, password] = String(line).trim().split(' ');
    return await f({ base: `http://127.0.0.1:${port}`, name: 'rowan', password, alarm: () => child.stdin.write('alarm\n') });
  } finally {
    child.stdin.end('end\n');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
}
