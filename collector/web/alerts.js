// alerts: what is wrong now, gravest first; acknowledge, note, close.
import { h, show, empty, chip } from './dom.js';
import { when, long, short, duration } from './time.js';
import * as api from './api.js';
import * as live from './live.js';

const TABS = [['active', 'Active'], ['closed', 'Closed'], ['all', 'All']];
const SEVERITY = { high: 3, medium: 2, low: 1 };
const IN_TAB = {
  active: (a) => a.state !== 'closed',
  closed: (a) => a.state === 'closed',
  all: () => true,
};

function gravity(a) {
  return (a.state === 'open' ? 8 : 0) + (a.late ? 0 : 4) + (SEVERITY[a.severity] ?? 0);
}

const byGravity = (a, b) => gravity(b) - gravity(a) || b.raised.localeCompare(a.raised);

function stateChip(a) {
  if (a.state === 'open') return chip('Not acknowledged', 'strong');
  if (a.state === 'acknowledged') return chip(`Acknowledged by ${a.acknowledged?.by ?? '?'}`);
  return chip(`Closed by ${a.closed?.by ?? '?'}`);
}

function lateChip(a) {
  if (!a.late) return null;
  const behind = a.occurred ? new Date(a.raised) - new Date(a.occurred) : 0;
  return chip(behind > 0 ? `Late: reached us ${duration(behind)} after it happened` : 'Late: reached us long after it happened', 'late');
}

function chips(a) {
  return h('div', { class: 'chips' },
    chip({ high: 'High', medium: 'Medium', low: 'Low' }[a.severity] ?? a.severity, `severity-${a.severity}`), stateChip(a), lateChip(a),
    a.events > 1 ? chip(`${a.events} events`) : null,
    a.restored ? chip(`Quiet again since ${short(a.restored)}`) : null);
}

const NOT_A_CALL = [
  h('strong', null, 'This is not a call to the police.'),
  ' If somebody is there now, ring ', h('strong', null, '999'),
  '. If damage or theft has happened, ring ', h('strong', null, '101'), ' or report it online.',
];
const notACall = () => h('p', { class: 'notice' }, NOT_A_CALL.map((n) => (n instanceof Node ? n.cloneNode(true) : n)));

export async function alertsPage(at) {
  const state = { tab: 'active', rows: new Map(), next: null, fresh: new Set(), problem: '' };
  const list = h('div', { class: 'alert-list', 'aria-label': 'Alerts' });
  const tabs = h('div', { class: 'tabs', role: 'group', 'aria-label': 'Which alerts' });
  const detail = h('section', { class: 'alert-detail', 'aria-label': 'One alert' });
  const id = Number(at.id) || null;
  const mayAcknowledge = at.may('POST /api/1/alerts/{id}/acknowledge');

  async function load(more) {
    const page = await api.get(`alerts?state=${state.tab}&limit=100${more ? `&before=${state.next}` : ''}`);
    if (at.gone()) return;
    if (!more) state.rows.clear();
    for (const alert of page.alerts) state.rows.set(alert.id, alert);
    state.next = page.next;
    at.setOpen(page.open);
  }

  async function acknowledge(alert) {
    try {
      const answer = await api.post(`alerts/${alert.id}/acknowledge`);
      take(answer.alert);
    } catch (error) {
      state.problem = error.message;
      if (error.status === 409) await load();
    }
    drawList();
    if (alert.id === id) drawDetail();
  }

  function take(alert) {
    if (IN_TAB[state.tab](alert)) state.rows.set(alert.id, alert);
    else state.rows.delete(alert.id);
  }

  function card(a) {
    return h('article', { class: `card alert severity-${a.severity} ${a.state} ${state.fresh.has(a.id) ? 'fresh' : ''} ${a.id === id ? 'chosen' : ''}`, 'data-alert': a.id },
      h('a', { class: 'cover', href: `#/alerts/${a.id}`, 'data-key': `alert-${a.id}` }, h('h2', null, a.title)),
      h('p', { class: 'quiet' }, when(a.occurred ?? a.raised), a.occurred ? ` · ${short(a.occurred)}` : ' · time of the event unknown'),
      chips(a),
      a.state === 'open' && mayAcknowledge
        ? h('button', { class: 'main-button', 'data-key': `ack-${a.id}`, onclick: () => acknowledge(a) }, 'Acknowledge')
        : null);
  }

  function drawList() {
    const rows = [...state.rows.values()].sort(byGravity);
    show(tabs, TABS.map(([tab, name]) =>
      h('button', { 'aria-pressed': String(tab === state.tab), 'data-key': `tab-${tab}`, onclick: () => choose(tab) }, name)));
    show(list,
      state.problem ? h('p', { class: 'problem', role: 'alert' }, state.problem) : null,
      rows.map(card),
      rows.length === 0
        ? state.tab === 'active'
          ? empty('Nothing needs you', 'No lock has alarmed and no device has failed. New alerts appear here by themselves. A quiet page counts only while the devices are alive:',
            h('a', { class: 'link-button', href: '#/devices' }, 'Look at the devices'))
          : empty('No alerts here yet', 'Alerts that have been closed are kept here with their cause.')
        : null,
      state.next ? h('button', { class: 'plain-button wide', 'data-key': 'more', onclick: async () => { await load(true); drawList(); } }, 'Show older alerts') : null);
    state.problem = '';
  }

  async function choose(tab) {
    state.tab = tab;
    await load();
    drawList();
  }

  async function drawDetail() {
    if (id === null) {
      show(detail, h('div', { class: 'empty wide-only' }, h('h2', null, 'Choose an alert'), h('p', null, 'Its place, its history and what has been done about it appear here.')));
      return;
    }
    try {
      const answer = await api.get(`alerts/${id}`);
      if (!at.gone()) show(detail, oneAlert(answer, at, acknowledge, (alert) => { take(alert); drawList(); drawDetail(); }));
    } catch (error) {
      if (!at.gone()) show(detail, back(), empty('No such alert', error.message));
    }
  }

  at.undo(live.on('alert', ({ ring, alert }) => {
    const wasOpen = state.rows.get(alert.id)?.state === 'open';
    if (!state.rows.has(alert.id) && ring) state.fresh.add(alert.id);
    take(alert);
    if (!wasOpen || alert.state !== 'open') load().then(() => { if (!at.gone()) drawList(); }, () => {});
    drawList();
    if (alert.id === id) drawDetail();
  }));
  at.undo(live.on('resync', () => load().then(drawList, () => {})));

  await load();
  if (at.gone()) return;
  drawList();
  show(at.main, h('div', { class: 'page-head' }, h('h1', null, 'Alerts'), tabs), notACall(),
    h('div', { class: `split ${id !== null ? 'has-detail' : ''}` }, list, detail));
  await drawDetail();
}

// ---- one alert ---------------------------------------------------------------------------------

const back = () => h('a', { class: 'back', href: '#/alerts' }, '← All alerts');

function placeList(place, alert) {
  const rows = [
    ['Plot', place?.plot], ['Place', place?.allotment], ['Device', place?.device_name || alert.device],
    ['Area', place?.lpa], ['Grid reference', place?.grid_ref],
    ['Happened', alert.occurred ? long(alert.occurred) : 'unknown'], ['Reached us', long(alert.raised)],
    ['Cause', alert.cause],
  ];
  return h('dl', { class: 'facts' }, rows.filter(([, v]) => v).map(([k, v]) => [h('dt', null, k), h('dd', { class: k === 'Grid reference' ? 'grid-ref' : null }, v)]));
}

function noteForm(alert, changed) {
  const text = h('input', { id: 'note', maxlength: 200, autocomplete: 'off' });
  const problem = h('p', { class: 'problem', role: 'alert' });
  return h('form', { class: 'inline', onsubmit: async (event) => {
    event.preventDefault();
    try {
      changed((await api.post(`alerts/${alert.id}/note`, { text: text.value })).alert);
    } catch (error) {
      problem.textContent = error.message;
    }
  } }, h('label', { for: 'note' }, 'Add a note'), text, h('button', { class: 'plain-button' }, 'Save note'), problem);
}

function closeForm(alert, causes, changed) {
  const cause = h('select', { id: 'cause', required: true }, h('option', { value: '' }, 'Choose the cause'),
    causes.map((c) => h('option', { value: c.code }, c.words)));
  const note = h('input', { id: 'close-note', maxlength: 200, autocomplete: 'off', placeholder: 'What was found (optional)', 'aria-label': 'What was found' });
  const problem = h('p', { class: 'problem', role: 'alert' });
  return h('form', { class: 'inline', onsubmit: async (event) => {
    event.preventDefault();
    try {
      changed((await api.post(`alerts/${alert.id}/close`, { cause: cause.value, note: note.value })).alert);
    } catch (error) {
      problem.textContent = error.message;
    }
  } }, h('label', { for: 'cause' }, 'Close this alert'), cause, note, h('button', { class: 'plain-button' }, 'Close alert'), problem);
}

function timeline(entries) {
  if (entries.length === 0) return h('p', { class: 'quiet' }, 'Nothing has been written yet.');
  return h('ol', { class: 'timeline' }, entries.map((e) =>
    h('li', null, h('span', { class: 'quiet' }, long(e.occurred ?? e.at), e.who ? ` · ${e.who}` : ''), h('p', null, e.text))));
}

function alertLinks(alerts, none, words) {
  if (alerts.length === 0) return h('p', { class: 'quiet' }, none);
  return h('ul', { class: 'plain-list' }, alerts.map((a) =>
    h('li', null, h('a', { href: `#/alerts/${a.id}` }, a.title), h('span', { class: 'quiet' }, ' ', when(a.raised), words(a)))));
}

function oneAlert({ alert, place, timeline: entries, earlier, nearby, causes }, at, acknowledge, changed) {
  const closed = alert.state === 'closed';
  return [
    back(),
    h('h2', null, alert.title), chips(alert),
    alert.state === 'open' && at.may('POST /api/1/alerts/{id}/acknowledge')
      ? h('button', { class: 'main-button', 'data-key': 'ack-detail', onclick: () => acknowledge(alert) }, 'Acknowledge') : null,
    placeList(place, alert),
    h('h3', null, 'What happened'), timeline(entries),
    at.may('POST /api/1/alerts/{id}/note') ? noteForm(alert, changed) : null,
    !closed && at.may('POST /api/1/alerts/{id}/close') ? closeForm(alert, causes, changed) : null,
    h('h3', null, 'Earlier here'),
    alertLinks(earlier, 'No earlier alert from this lock or device.', (a) => (a.cause ? ` · ${a.cause}` : '')),
    h('h3', null, 'Next door'),
    alertLinks(nearby, 'No other lock within 400 metres alarmed within two weeks.', (a) => ` · ${a.distance_m} m away`),
  ];
}
