// tasking: next week's sessions as cards that can be printed and carried.
import { h, show, empty, chip } from './dom.js';
import { day, date, clock, isoDate } from './time.js';
import * as api from './api.js';

const WEEK_MS = 7 * 86400000;

function card(s) {
  return h('article', { class: 'card task' },
    h('p', { class: 'task-time' }, h('strong', null, `${clock(s.start)} to ${clock(s.end)}`)),
    h('h3', null, s.site.name || s.site.id),
    h('p', { class: 'quiet' }, [s.site.name.includes(s.site.road) ? '' : s.site.road, `${s.site.limit_mph} mph`, s.site.lpa].filter(Boolean).join(' · ')),
    s.site.grid_ref ? h('p', { class: 'grid-ref' }, s.site.grid_ref) : null,
    h('div', { class: 'chips' }, chip(s.team.name || s.team.id),
      s.kind === 'exploring' ? chip('Exploring: little is known here') : chip('Known from measurements'),
      s.ward_floor ? chip('This ward’s turn') : null),
    h('p', { class: 'words' }, s.reasons),
    h('p', { class: 'print-only sign' }, 'Tasked by ______________________   Done ______   Vehicles ______'));
}

export async function taskingPage(at) {
  let week = null;

  async function load() {
    const plan = await api.get(`tasking${week ? `?week=${week}` : ''}`);
    if (at.gone()) return;
    const move = (weeks) => async () => {
      // Noon, so that the change of the clocks does not move the date.
      week = isoDate(new Date(plan.week).getTime() + weeks * WEEK_MS + 12 * 3600000);
      await load().catch((error) => { week = null; show(at.main, empty('No plan for that week', error.message, h('button', { class: 'main-button', onclick: load }, 'Back to next week'))); });
    };
    const days = Map.groupBy ? Map.groupBy(plan.sessions, (s) => isoDate(s.start)) : group(plan.sessions);
    show(at.main,
      h('div', { class: 'page-head' }, h('h1', null, 'Tasking'),
        h('div', { class: 'week-bar' },
          h('button', { class: 'plain-button', 'data-key': 'earlier', 'aria-label': 'The week before', onclick: move(-1) }, '←'),
          h('strong', null, `Week of ${date(plan.week)}`),
          h('button', { class: 'plain-button', 'data-key': 'later', 'aria-label': 'The week after', onclick: move(1) }, '→'),
          h('button', { class: 'plain-button no-print', 'data-key': 'print', onclick: () => print() }, 'Print'))),
      h('p', { class: 'notice' }, plan.notice),
      plan.sessions.length === 0
        ? empty('No session to propose', plan.teams === 0
          ? 'No kit is registered. A plan needs at least one kit and one approved site.'
          : 'No approved site is free for a kit in this week. The reasons stand below.')
        : [...days.values()].map((sessions) => h('section', null, h('h2', null, day(sessions[0].start)), h('div', { class: 'cards' }, sessions.map(card)))),
      plan.left_out.length > 0
        ? h('details', { class: 'card' }, h('summary', null, `Not in this plan: ${plan.left_out.length} site${plan.left_out.length === 1 ? '' : 's'}`),
          h('ul', { class: 'plain-list' }, plan.left_out.map((s) => h('li', null, h('strong', null, s.name || s.id), ` ${s.why}`))))
        : null);
  }

  await load();
}

function group(sessions) {
  const days = new Map();
  for (const s of sessions) {
    const key = isoDate(s.start);
    days.set(key, [...(days.get(key) ?? []), s]);
  }
  return days;
}
