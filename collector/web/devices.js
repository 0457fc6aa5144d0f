// devices: kits, hubs and locks, their state in words. Silence is its own state.
import { h, show, empty, chip } from './dom.js';
import { when, age, day } from './time.js';
import * as api from './api.js';

// State as the API says it: words, mark, and how urgent.
const STATES = {
  silent: ['Silent: has broken its promise to report. It cannot see anything now', 'bad', 0],
  offline: ['Connection lost; may still be recording', 'warn', 1],
  waiting: ['Registered; waiting for its first word', 'idle', 2],
  alive: ['Working', 'good', 3],
  revoked: ['Withdrawn: nothing from it is accepted', 'idle', 4],
};

// Below this a battery of that device is low: a 12 V lead battery, a 3.6 V lithium cell.
const LOW_MV = { speedwatch: 11800, padlock: 3300 };

// A gauge knows better than a voltage; without one the voltage is what there is.
const SOON_DAYS = 30;

function current(ma) {
  if (ma === null) return '';
  return ma > 0 ? `, ${ma} mA drawn` : `, charging with ${-ma} mA`;
}

function battery(device) {
  const { battery_mv: mv, battery_days: days, battery_ma: ma } = device.health;
  if (mv === null) return 'not measured';
  const volts = `${(mv / 1000).toFixed(1)} V${current(ma)}`;
  if (days !== null && days > 365) return `${volts}: its panel keeps it`;
  if (days !== null) return h('span', { class: days <= SOON_DAYS ? 'low' : null }, `${volts}, at least ${days} day${days === 1 ? '' : 's'} left`);
  const low = ma === null && mv < LOW_MV[device.kind];
  return h('span', { class: low ? 'low' : null }, `${volts}${low ? ': low, change or charge it soon' : ''}`);
}

const POWER = {
  'under-voltage': 'voltage too low: look at cable and supply', capped: 'clock limited', throttled: 'slowed down', hot: 'hot',
};

function power(health) {
  const words = (list) => list.map((word) => POWER[word] ?? word).join(', ');
  if (health.power.length > 0) return h('span', { class: 'low' }, words(health.power));
  return health.power_since_start.length > 0 ? `well now; since its start: ${words(health.power_since_start)}` : null;
}

function storage(health) {
  if (health.disk_free_mib === null) return null;
  const free = health.disk_free_mib >= 1024 ? `${(health.disk_free_mib / 1024).toFixed(1)} GiB` : `${health.disk_free_mib} MiB`;
  return `${free} free${health.spool_days === null ? '' : `; would last ${health.spool_days >= 365 ? 'more than a year' : `${health.spool_days} day${health.spool_days === 1 ? '' : 's'}`} without a connection`}`;
}

const CLOCKS = {
  unknown: 'not set: its times are counted from its start', restored: 'set from memory, may be wrong', network: 'set by the network', satellites: 'set by satellites',
};

function signal(dbm) {
  if (dbm === null) return null;
  return `${dbm} dBm, ${dbm >= -70 ? 'good' : dbm >= -85 ? 'fair' : 'weak'}`;
}

// What somebody has to do, first of all.
function needs(device) {
  const { health } = device;
  if (!health) return null;
  const list = [];
  if (device.battery_by && health.battery_days <= SOON_DAYS) list.push(`Needs a battery by ${day(device.battery_by)}`);
  if (health.power.includes('under-voltage')) list.push('Its supply is too weak: look at cable and supply');
  if (health.spool_days !== null && health.spool_days < 7) list.push(`Its storage is full in ${health.spool_days} day${health.spool_days === 1 ? '' : 's'} if it cannot be reached`);
  return list.length === 0 ? null : h('ul', { class: 'plain-list needs' }, list.map((words) => h('li', null, h('strong', null, words))));
}

function temperature(health) {
  return health.temperature_c === null ? 'not measured' : `${health.temperature_c} °C`;
}

function pending(health) {
  const n = health.pending.alarm + health.pending.event + health.pending.telemetry;
  if (n === 0) return 'nothing: all delivered';
  return `${n} batch${n === 1 ? '' : 'es'}${health.pending.alarm > 0 ? `, ${health.pending.alarm} with alarms` : ''}`;
}

// What the device said of itself, and when: it may be otherwise by now.
function saidFacts(device) {
  const { health } = device;
  if (!health) return [['Its own word', 'none yet: battery, temperature and what waits on it come with its first heartbeat']];
  return [
    ['Heartbeat', ['figures below as of ', age(health.occurred ?? health.received)]],
    ['Battery', battery(device)],
    ['Temperature', temperature(health)],
    ['Supply', power(health)],
    ['Waiting on it', pending(health)],
    ['Storage', storage(health)],
    ['Clock', CLOCKS[health.clock]],
    ['Signal', signal(health.signal_dbm)],
  ];
}

const TROUBLES = [
  ['events_dropped', 'events dropped because storage was full'],
  ['records_lost', 'damaged records found at start'],
  ['radar_refused', 'radar lines not understood'],
  ['radar_resets', 'restarts of the radar'],
  ['gpio_gaps', 'edges known to be lost'],
  ['storage_errors', 'failed disk operations'],
  ['queue_refused', 'messages refused by a full queue'],
  ['acks_refused', 'acknowledgements that did not verify'],
  ['sensor_errors', 'sensors that did not answer'],
  ['gnss_refused', 'positions that cannot be'],
  ['frames_lost', 'radar frames lost'],
];

function troubles(health) {
  const found = TROUBLES.filter(([key]) => health?.counters?.[key] > 0);
  if (found.length === 0) return null;
  return h('details', null, h('summary', null, `${found.length} count${found.length === 1 ? '' : 's'} to look at`),
    h('ul', { class: 'plain-list' }, found.map(([key, words]) => h('li', null, `${health.counters[key].toLocaleString('en-GB')} ${words}`))));
}

function lockWords(lock) {
  if (lock.alarmed) return ['Alarmed, not restored', 'bad'];
  if (lock.closed === false) return ['Open', 'warn'];
  if (lock.set === false) return ['Closed, unset', 'idle'];
  if (lock.set === true) return ['Closed and set', 'good'];
  return lock.closed === true ? ['Closed', 'idle'] : ['Nothing heard yet', 'idle'];
}

function lockRow(lock) {
  const [words, mark] = lockWords(lock);
  return h('li', null, h('span', { class: `dot ${mark}` }), h('strong', null, lock.plot || `Lock ${lock.lock}`), ` ${words}`,
    lock.siren ? [' ', chip('Siren on', 'strong')] : null, lock.last_occurred ? h('span', { class: 'quiet' }, ' · ', when(lock.last_occurred)) : null);
}

function card(device, locks) {
  const [words, mark] = STATES[device.state] ?? [device.state, 'idle'];
  const facts = [
    ['Last heard', device.last_seen ? when(device.last_seen) : 'never'],
    ['Missing here', device.missing === 0 ? 'nothing' : `${device.missing} batch${device.missing === 1 ? '' : 'es'} not received yet`],
    ['Where', device.grid_ref ? h('span', { class: 'grid-ref' }, device.grid_ref) : null],
    ...saidFacts(device),
  ];
  return h('article', { class: `card device ${mark}` },
    h('h3', null, device.name || device.id),
    h('p', { class: 'state' }, h('span', { class: `dot ${mark}` }), words),
    needs(device),
    h('dl', { class: 'facts' }, facts.filter(([, v]) => v).map(([k, v]) => [h('dt', null, k), h('dd', null, v)])),
    locks.length > 0 ? h('ul', { class: 'plain-list locks' }, locks.map(lockRow)) : null,
    troubles(device.health));
}

export async function devicesPage(at) {
  const body = h('div');
  async function load() {
    const [{ devices }, { locks }] = await Promise.all([api.get('devices'), api.get('locks')]);
    if (at.gone()) return;
    const urgent = (d) => STATES[d.state]?.[2] ?? 9;
    const silent = devices.filter((d) => d.state === 'silent').length;
    const section = (kind, title) => {
      const some = devices.filter((d) => d.kind === kind).sort((a, b) => urgent(a) - urgent(b) || a.id.localeCompare(b.id));
      return some.length === 0 ? null : h('section', null, h('h2', null, title, h('span', { class: 'quiet' }, ` ${some.length}`)),
        h('div', { class: 'cards' }, some.map((d) => card(d, locks.filter((l) => l.device === d.id)))));
    };
    show(body,
      devices.length === 0
        ? empty('No devices yet', 'An administrator registers each kit and hub with its own key. Then they appear here with their first word.')
        : h('p', { class: `notice ${silent > 0 ? 'warn' : ''}` }, silent === 0 ? 'Every device reports as promised. A quiet page means quiet.'
          : `${silent} device${silent === 1 ? ' is' : 's are'} silent. What ${silent === 1 ? 'it guards' : 'they guard'} is not watched now: go and look.`),
      section('speedwatch', 'Speedwatch kits'), section('padlock', 'Lock hubs'));
  }
  await load();
  if (at.gone()) return;
  show(at.main, h('div', { class: 'page-head' }, h('h1', null, 'Devices')), body);
  const timer = setInterval(() => load().catch(() => {}), 15000);
  at.undo(() => clearInterval(timer));
}
