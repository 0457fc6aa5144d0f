// time: UTC from the collector, Europe/London on the page.
import { h } from './dom.js';

const ZONE = 'Europe/London';
const format = (options) => new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, ...options });
const CLOCK = format({ hour: '2-digit', minute: '2-digit' });
const SHORT = format({ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const LONG = format({ dateStyle: 'full', timeStyle: 'medium' });
const DAY = format({ weekday: 'long', day: 'numeric', month: 'long' });
const DATE = format({ day: 'numeric', month: 'long', year: 'numeric' });
const ISO = format({ year: 'numeric', month: '2-digit', day: '2-digit' });
const RELATIVE = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' });

export const clock = (iso) => CLOCK.format(new Date(iso));
export const short = (iso) => SHORT.format(new Date(iso));
export const long = (iso) => LONG.format(new Date(iso));
export const day = (iso) => DAY.format(new Date(iso));
export const date = (iso) => DATE.format(new Date(iso));

// 2026-11-23: the civil date in London.
export function isoDate(at) {
  const parts = Object.fromEntries(ISO.formatToParts(new Date(at)).map((p) => [p.type, p.value]));
  return `${parts.year}-${parts.month}-${parts.day}`;
}

const STEPS = [['day', 86400], ['hour', 3600], ['minute', 60]];

export function ago(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  for (const [unit, length] of STEPS)
    if (Math.abs(seconds) >= length) return RELATIVE.format(Math.trunc(seconds / length), unit);
  return seconds > 0 ? 'in a moment' : 'just now';
}

// "40 s ago": to the second while that says something.
function agoExact(iso) {
  const seconds = Math.round((Date.now() - new Date(iso)) / 1000);
  return seconds >= 0 && seconds < 120 ? `${seconds} s ago` : ago(iso);
}

export function duration(ms) {
  const minutes = Math.round(ms / 60000);
  if (minutes < 60) return `${minutes} minute${minutes === 1 ? '' : 's'}`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return `${hours} hour${hours === 1 ? '' : 's'}`;
  return `${Math.round(hours / 24)} days`;
}

// "5 minutes ago", kept true while the page stands, with the full moment on hover.
export function when(iso) {
  if (!iso) return h('span', { class: 'quiet' }, 'time unknown');
  return h('time', { datetime: iso, title: long(iso), 'data-ago': iso }, ago(iso));
}

// "40 s ago", kept true likewise.
export function age(iso) {
  if (!iso) return h('span', { class: 'quiet' }, 'an unknown time');
  return h('time', { datetime: iso, title: long(iso), 'data-age': iso }, agoExact(iso));
}

setInterval(() => {
  for (const node of document.querySelectorAll('time[data-ago]'))
    node.textContent = ago(node.dataset.ago);
}, 20000);
setInterval(() => {
  for (const node of document.querySelectorAll('time[data-age]'))
    node.textContent = agoExact(node.dataset.age);
}, 5000);
