// server: a TLS broker and the collector with a data base of their own, for the length of a test.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

const { BUILD, WEB_DIR, LEAFLET_DIR, WARDS } = process.env;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// A key and a certificate NAME.key, NAME.pem, signed by the CA (itself, for the CA).
function makeKey(at, name, extra) {
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at(`${name}.key`));
  openssl('req', '-x509', '-new', '-key', at(`${name}.key`), '-out', at(`${name}.pem`), '-days', '2', '-subj', `/CN=${name}`,
    ...(name === 'ca' ? [] : ['-CA', at('ca.pem'), '-CAkey', at('ca.key')]), ...extra.flatMap((e) => ['-addext', e]));
}

function brokerConf(at, port) {
  return `listener ${port} 127.0.0.1\ncafile ${at('ca.pem')}\ncertfile ${at('broker.pem')}\nkeyfile ${at('broker.key')}
require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nlog_type error\n${process.getuid() === 0 ? 'user root\n' : ''}`;
}

function collectorConf(at, broker, http) {
  return `[store]\npath = ${at('store.db')}\n\n[broker]\nhost = 127.0.0.1\nport = ${broker}\nca = ${at('ca.pem')}
certificate = ${at('collector.pem')}\nkey = ${at('collector.key')}\n\n[ingest]\nsigning_key = ${at('collector.key')}\n
[http]\nport = ${http}\nweb = ${WEB_DIR}\nleaflet = ${LEAFLET_DIR}\n`;
}

async function answers(url, child) {
  for (let tries = 0; tries < 150; tries++) {
    if (child.exitCode !== null) throw new Error(`the collector ended with ${child.exitCode}`);
    try {
      if ((await fetch(url)).ok) return;
    } catch { /* not yet */ }
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`no answer from ${url}`);
}

// The log of a program is shown only if something failed.
function start(program, args, logs) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => logs.push(`${program}: ${text}`));
  child.ended = once(child, 'exit');
  return child;
}

export async function withServer(f) {
  const folder = mkdtempSync(join(tmpdir(), 'moorwatch-page-'));
  const at = (name) => join(folder, name);
  const seedtool = (...args) => execFileSync(join(BUILD, 'tests/seedtool'), args);
  const children = [], logs = [];
  try {
    makeKey(at, 'ca', ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']);
    makeKey(at, 'broker', ['subjectAltName=DNS:localhost,IP:127.0.0.1']);
    for (const name of ['collector', 'hub-2']) makeKey(at, name, ['extendedKeyUsage=clientAuth']);
    const password = String(seedtool('fill', at('store.db'), at('hub-2.key'), ...(WARDS ? [WARDS] : []))).trim();
    const [broker, http] = [await freePort(), await freePort()];
    writeFileSync(at('broker.conf'), brokerConf(at, broker));
    writeFileSync(at('collector.conf'), collectorConf(at, broker, http));
    children.push(start('mosquitto', ['-c', at('broker.conf')], logs));
    const base = `http://127.0.0.1:${http}`;
    const startCollector = async () => {
      children[1] = start(join(BUILD, 'bin/moorwatch-collector'), ['-c', at('collector.conf')], logs);
      await answers(`${base}/healthz`, children[1]);
    };
    const killCollector = async () => {
      children[1].kill('SIGKILL');
      await children[1].ended;
    };
    await startCollector();
    const alarm = () => {
      writeFileSync(at('alarm'), seedtool('alarm', at('hub-2.key')));
      execFileSync('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(broker), '--cafile', at('ca.pem'), '--cert', at('hub-2.pem'),
        '--key', at('hub-2.key'), '-t', 'mw/1/hub-2/a', '-q', '1', '-f', at('alarm')]);
    };
    return await f({ base, name: 'rowan', password, alarm, killCollector, startCollector });
  } catch (error) {
    for (const line of logs) process.stderr.write(line);
    throw error;
  } finally {
    for (const child of children.reverse()) {
      child.kill('SIGTERM');
      await child.ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}
