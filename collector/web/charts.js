// charts: the speeds of a site as bars, and its week as squares. Plain SVG, no style inside.
import { svg } from './dom.js';

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

// ---- bars of vehicles by mile per hour, with the lines of limit and threshold --------------------

export function speedBars(bars, limit, threshold, p85) {
  const W = innerWidth < 600 ? 380 : 640, H = 240, L = 44, R = 12, T = 34, B = 34;
  const counts = new Map(bars);
  const low = Math.min(limit - 12, ...bars.map(([mph]) => mph));
  const high = Math.max(threshold + 8, ...bars.map(([mph]) => mph)) + 1;
  const most = Math.max(1, ...bars.map(([, n]) => n));
  const x = (mph) => L + ((mph - low) / (high - low)) * (W - L - R);
  const y = (n) => H - B - (n / most) * (H - T - B);
  const total = bars.reduce((sum, [, n]) => sum + n, 0);
  const over = bars.filter(([mph]) => mph >= threshold).reduce((sum, [, n]) => sum + n, 0);
  const parts = [];
  for (let mph = low; mph < high; mph++) {
    const n = counts.get(mph) ?? 0;
    if (n === 0) continue;
    const kind = mph >= threshold ? 'bar-threshold' : mph >= limit ? 'bar-over' : 'bar-under';
    parts.push(svg('rect', { class: kind, x: x(mph) + 0.75, y: y(n), width: Math.max(1, x(mph + 1) - x(mph) - 1.5), height: H - B - y(n), rx: 1.5 },
      svg('title', null, `${mph} to ${mph + 1} mph: ${n} vehicles`)));
  }
  const step = high - low > W / 10 ? 10 : 5;
  for (let mph = Math.ceil(low / step) * step; mph <= high; mph += step)
    parts.push(svg('text', { class: 'axis', x: x(mph), y: H - B + 18, 'text-anchor': 'middle' }, mph));
  for (const n of [...new Set([Math.ceil(most / 2), most])])
    parts.push(svg('line', { class: 'rule', x1: L, x2: W - R, y1: y(n), y2: y(n) }),
      svg('text', { class: 'axis', x: L - 6, y: y(n) + 4, 'text-anchor': 'end' }, n));
  parts.push(svg('line', { class: 'base', x1: L, x2: W - R, y1: H - B, y2: H - B }));
  const mark = (mph, name, kind, row, anchor) => [
    svg('line', { class: kind, x1: x(mph), x2: x(mph), y1: T - 4, y2: H - B }),
    svg('text', { class: `${kind}-text`, x: x(mph) + (anchor === 'end' ? -4 : 4), y: 12 + row * 13, 'text-anchor': anchor }, name)];
  parts.push(mark(limit, `limit ${limit}`, 'mark-limit', 0, 'end'), mark(threshold, `threshold ${threshold}`, 'mark-threshold', 0, 'start'));
  if (p85 !== null && p85 !== undefined)
    parts.push(svg('path', { class: 'mark-p85', d: `M${x(p85)} ${H - B + 1} l-5 8 h10 z` }, svg('title', null, `85th percentile ${p85} mph`)));
  parts.push(svg('text', { class: 'axis', x: W - R, y: H - 1, 'text-anchor': 'end' }, 'mph'));
  return svg('svg', { class: 'chart', viewBox: `0 0 ${W} ${H}`, role: 'img',
    'aria-label': `Speeds of ${total} vehicles. ${over} went at or over the threshold of ${threshold} mph in a ${limit} mph limit.` }, parts.flat());
}

// ---- the week: hour by weekday -----------------------------------------------------------------

const ENOUGH = 5; // vehicles in a square before its share is worth a colour

function level(cell) {
  if (cell.n < ENOUGH) return cell.n === 0 && cell.hours === 0 ? 'unwatched' : 'few';
  const share = cell.at_or_over / cell.n;
  return share >= 0.3 ? 'l5' : share >= 0.2 ? 'l4' : share >= 0.1 ? 'l3' : share > 0.04 ? 'l2' : 'l1';
}

function words(day, hour, cell) {
  const at = `${DAYS[day]} ${String(hour).padStart(2, '0')}:00`;
  if (cell.n === 0 && cell.hours === 0) return `${at}: not watched`;
  if (cell.n === 0) return `${at}: watched for ${cell.hours} h, no vehicle`;
  return `${at}: ${cell.at_or_over} of ${cell.n} at or over the threshold`;
}

export function weekHeat(week) {
  const L = 40, T = 20, S = 24, V = 26, parts = [];
  for (let hour = 0; hour < 24; hour += 3)
    parts.push(svg('text', { class: 'axis', x: L + hour * S + S / 2, y: 13, 'text-anchor': 'middle' }, String(hour).padStart(2, '0')));
  for (let day = 0; day < 7; day++) {
    parts.push(svg('text', { class: 'axis', x: L - 7, y: T + day * V + V / 2 + 4, 'text-anchor': 'end' }, DAYS[day].slice(0, 3)));
    for (let hour = 0; hour < 24; hour++) {
      const cell = week[day * 24 + hour];
      parts.push(svg('rect', { class: `heat ${level(cell)}`, x: L + hour * S + 1, y: T + day * V + 1, width: S - 2, height: V - 2, rx: 3 },
        svg('title', null, words(day, hour, cell))));
    }
  }
  const worst = week.map((cell, i) => ({ cell, i })).filter(({ cell }) => cell.n >= ENOUGH)
    .sort((a, b) => b.cell.at_or_over / b.cell.n - a.cell.at_or_over / a.cell.n)[0];
  const label = worst ? `Highest share: ${words(Math.floor(worst.i / 24), worst.i % 24, worst.cell)}.` : 'Too few vehicles in any one hour yet.';
  return { picture: svg('svg', { class: 'chart', viewBox: `0 0 ${L + 24 * S} ${T + 7 * V}`, role: 'img', 'aria-label': `Share at or over the threshold by hour and weekday. ${label}` }, parts), label };
}
