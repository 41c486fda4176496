// The verdict of a gate: each broken budget, then those that hold.
import { html, type Markup, type Section } from '../../../report/door.js';
import type { Budget } from '../../../result/budget.js';
import type { Comparison } from '../../compare.js';
import { isJudged, verdictText } from '../../words.js';

/** A fault as a line of a list. */
export function faultItem(level: 'error' | 'warn', subject: string, message: string, budget: Budget | null): Markup {
  const place = budget?.place ?? '';
  return html`<li class="${level}"><b>${level === 'error' ? 'FAIL' : 'WARN'}</b> <b>${subject}</b> ${message}${place !== '' && html` <span class="soft">(${place})</span>`}</li>`;
}

/** Budgets. */
export const budgetsCompared: Section<Comparison> = {
  id: 'budgets',
  title: 'Budgets',
  draw(comparison) {
    const { findings, rows, held } = comparison;
    const off = rows.filter(({ verdict }) => verdict === 'off');
    const holding = [...rows.filter(({ verdict }) => verdict === 'pass').map(({ metric }) => metric), ...held];
    if (!isJudged(comparison)) {
      return {
        about: html`${verdictText(comparison)} <code>--fail-on</code> and <code>--budgets</code> give some.`,
        content: null,
      };
    }
    return {
      about: verdictText(comparison),
      content: html`${
        findings.length > 0 &&
        html`<ul class="faults">${findings.map(({ level, metric, message, budget }) => faultItem(level, metric, message, budget))}</ul>`
      }${
        holding.length > 0 &&
        html`<details><summary>${holding.length === 1 ? '1 metric is' : `${holding.length} metrics are`} within budget</summary><ul>${holding.map((metric) => html`<li>${metric}</li>`)}</ul></details>`
      }${
        off.length > 0 &&
        html`<ul class="faults">${off.map(({ metric, reason }) => html`<li><b>OFF</b> <b>${metric}</b> is not looked at: ${reason ?? 'a budget says so'}</li>`)}</ul>`
      }`,
    };
  },
};
