// sites: how fast vehicles go, how sure that is, and when they go fastest.
import { h, show, empty } from './dom.js';
import { date, long, short } from './time.js';
import * as api from './api.js';
import { speedBars, weekHeat } from './charts.js';

const percent = (share) => `${(share * 100).toFixed(share < 0.0995 && share > 0 ? 1 : 0)} %`;
const mph = (value) => (value === null || value === undefined ? '–' : value.toFixed(1));

// The road is told unless the name says it.
const about = (site) => [site.name.includes(site.road) ? '' : site.road, site.lpa].filter(Boolean).join(' · ');

function interval(row) {
  if (row.p85 === null || row.p85 === undefined) return h('span', { class: 'quiet', title: row.words }, row.n === 0 ? 'none yet' : 'too few');
  const range = row.p85_low !== null && row.p85_high !== null ? `${mph(row.p85_low)} to ${mph(row.p85_high)}` : '';
  return [h('strong', null, mph(row.p85)), range ? h('small', { class: 'quiet block' }, range) : null];
}

function shareCell(share) {
  if (!share) return '–';
  return [percent(share.share), h('small', { class: 'quiet block' }, `${percent(share.low)} to ${percent(share.high)}`)];
}

function cell(name, kind, ...children) {
  return h('td', { 'data-name': name, class: kind }, h('span', null, children));
}

function row(site) {
  return h('tr', null,
    h('th', { scope: 'row' }, h('a', { href: `#/sites/${encodeURIComponent(site.id)}`, 'data-key': site.id }, site.name || site.id),
      h('small', { class: 'quiet block' }, about(site))),
    cell('Limit', 'number', `${site.limit_mph} mph`),
    cell('Vehicles', 'number', site.n.toLocaleString('en-GB')),
    cell('Mean', 'number', mph(site.mean)),
    cell('Median', 'number', mph(site.p50)),
    cell('85th percentile', 'number', interval(site)),
    cell('Over the limit', 'number', shareCell(site.over_limit)),
    cell(`At or over ${site.threshold_mph}`, 'number', shareCell(site.at_or_over_threshold)),
    cell('Hours watched', 'number', site.hours_watched.toFixed(1)));
}

export async function sitesPage(at) {
  const answer = await api.get('sites');
  if (at.gone()) return;
  const sites = [...answer.sites].sort((a, b) => (b.at_or_over_threshold?.share ?? -1) - (a.at_or_over_threshold?.share ?? -1));
  show(at.main,
    h('div', { class: 'page-head' }, h('h1', null, 'Sites'), h('p', { class: 'quiet' }, `${date(answer.from)} to ${date(answer.to)}`)),
    h('p', { class: 'notice' }, answer.notice),
    sites.length === 0
      ? empty('No sites yet', 'Sites are approved places for Speedwatch. An administrator registers them; their figures appear here with the first vehicle.')
      : h('div', { class: 'table-wrap' }, h('table', { class: 'wide-table' },
        h('caption', null, 'Most vehicles at or over the threshold first. Speeds in mph; the small figures are 95 % intervals.'),
        h('thead', null, h('tr', null, ['Site', 'Limit', 'Vehicles', 'Mean', 'Median', '85th percentile', 'Over the limit', 'At or over threshold', 'Hours watched']
          .map((name, i) => h('th', { scope: 'col', class: i ? 'number' : null }, name)))),
        h('tbody', null, sites.map(row)))));
}

// ---- one site ----------------------------------------------------------------------------------

function figure(title, value, small) {
  return h('div', { class: 'figure' }, h('span', { class: 'quiet' }, title), h('strong', null, value), small ? h('small', { class: 'quiet' }, small) : null);
}

const key = (kind, name) => h('span', null, h('span', { class: `key ${kind}` }), name);

const LEGEND = [['l1', 'under 4 %'], ['l2', '4 to 10 %'], ['l3', '10 to 20 %'], ['l4', '20 to 30 %'], ['l5', '30 % and more'], ['few', 'under 5 vehicles'], ['unwatched', 'not watched']];

// How the kit stands, and the figures without what its angle took.
function correctedCard(c) {
  if (!c) return null;
  const lane = (name, f) => [h('dt', null, name), h('dd', null, f === null ? 'The beam does not meet this lane: turn the radar.'
    : `A reading of 30.0 mph is ${mph(30 * f.factor)} mph, very likely ${mph(30 * f.low)} to ${mph(30 * f.high)}.`)];
  const g = c.geometry;
  return h('section', { class: 'card' }, h('h2', null, 'Corrected for the angle'),
    h('p', null, c.words),
    h('dl', { class: 'facts' },
      lane('Towards the kit', c.in), lane('Away from the kit', c.out),
      h('dt', null, 'The kit'), h('dd', null, `${mph(g.lane_in_m)} and ${mph(g.lane_out_m)} m from the lanes, aimed ${mph(g.aim_deg)} degrees across the road, since ${date(c.since)}.`)),
    h('p', { class: 'quiet small' }, 'A radar that looks across the road reads low, never high. The figures above are as told; these say how far the angle matters.'));
}

const CHECKS = { passed: 'check passed', failed: 'check NOT passed', none: 'not checked' };

// Newest sessions, and whether the kit stood where the site is.
function sessionsCard(sessions) {
  if (sessions.length === 0) return null;
  const one = (s) => h('li', null, h('strong', null, s.start ? short(s.start) : 'time unknown'), ` ${s.vehicles} vehicle${s.vehicles === 1 ? '' : 's'} · ${CHECKS[s.check]}`,
    s.place ? h('span', { class: s.place.far ? 'low' : 'quiet' }, ` · ${s.place.words}`) : null);
  return h('section', { class: 'card' }, h('h2', null, 'Latest sessions'), h('ul', { class: 'plain-list sessions' }, sessions.map(one)));
}

export async function sitePage(at) {
  // A viewer may see the figures, not who was there when.
  const listed = api.get(`sites/${encodeURIComponent(at.id)}/sessions?limit=10`).then((a) => a.sessions, () => []);
  const { site, histogram, directions, week, corrected, notice, from, to } = await api.get(`sites/${encodeURIComponent(at.id)}`);
  const sessions = await listed;
  if (at.gone()) return;
  const heat = weekHeat(week);
  const threshold = site.at_or_over_threshold;
  show(at.main,
    h('a', { class: 'back', href: '#/sites' }, '← All sites'),
    h('div', { class: 'page-head' }, h('h1', null, site.name || site.id), h('p', { class: 'quiet' }, [about(site), site.grid_ref].filter(Boolean).join(' · '))),
    h('p', { class: 'notice' }, notice),
    h('div', { class: 'figures' },
      figure('Speed limit', `${site.limit_mph} mph`, `threshold ${site.threshold_mph} mph`),
      figure('Vehicles', site.n.toLocaleString('en-GB'), `${site.hours_watched.toFixed(1)} hours watched`),
      figure('85th percentile', site.p85 === null || site.p85 === undefined ? 'too few' : `${mph(site.p85)} mph`, site.p85_low ? `${mph(site.p85_low)} to ${mph(site.p85_high)}` : null),
      figure('Median', site.p50 === null || site.p50 === undefined ? '–' : `${mph(site.p50)} mph`, site.mean ? `mean ${mph(site.mean)}` : null),
      figure('At or over threshold', threshold ? percent(threshold.share) : '–', threshold ? `${percent(threshold.low)} to ${percent(threshold.high)}` : null)),
    h('p', { class: 'words' }, site.words),
    site.n > 0 ? h('section', { class: 'card' }, h('h2', null, 'Speeds'),
      speedBars(histogram, site.limit_mph, site.threshold_mph, site.p85),
      h('p', { class: 'legend' }, key('bar-under', 'under the limit'), key('bar-over', 'from the limit up'), key('bar-threshold', 'at or over the threshold'), site.p85 ? h('span', null, '▲ 85th percentile') : null)) : null,
    h('section', { class: 'card' }, h('h2', null, 'When'),
      h('p', { class: 'quiet' }, `Share at or over ${site.threshold_mph} mph, by hour and weekday. ${heat.label}`),
      h('div', { class: 'scroll-x', tabindex: 0, role: 'group', 'aria-label': 'The week, hour by hour' }, heat.picture),
      h('p', { class: 'legend' }, LEGEND.map(([kind, name]) => key(`heat ${kind}`, name)))),
    h('section', { class: 'card' }, h('h2', null, 'By direction'),
      h('dl', { class: 'facts' }, directions.map((d) => [h('dt', null, d.direction === 'in' ? 'Towards the kit' : 'Away from the kit'), h('dd', null, d.words)]))),
    correctedCard(corrected),
    sessionsCard(sessions),
    h('p', { class: 'quiet small' }, `${long(from)} to ${long(to)}.`));
}
