import type { RouterOptions } from '../contracts/index.js';
import {
  checkBoolean,
  checkFunction,
  checkKeys,
  checkNumber,
  checkPlainObject,
  checkString,
  invalidOption,
} from '../internal/validate.js';
import { resolveThresholds } from './thresholds.js';

/** @throws BadRequestError that names the option, what it may be and what it is. */
export function resolveRouter(router: RouterOptions = {}): RouterOptions {
  checkPlainObject('router', router);
  checkKeys('router', router, [
    'syncBelowSeconds',
    'asyncAboveSeconds',
    'otherwise',
    'rules',
    'allowAsync',
    'probe',
  ]);
  checkNumber('router.syncBelowSeconds', router.syncBelowSeconds, { min: 0, integer: false });
  checkNumber('router.asyncAboveSeconds', router.asyncAboveSeconds, { min: 0, integer: false });
  checkOneOf('router.otherwise', router.otherwise, ['sync', 'async', 'stream']);
  checkOneOf('router.probe', router.probe, ['local', 'all', false]);
  checkBoolean('router.allowAsync', router.allowAsync);
  if (typeof router.rules !== 'function') checkRules(router.rules);
  resolveThresholds(router);
  return router;
}

function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) throw invalidOption(name, allowed.join(' or '), value);
}

/** Also of what a function returned. */
export function checkRules(rules: unknown = []): void {
  if (!Array.isArray(rules)) throw invalidOption('router.rules', 'an array of rules', rules);
  for (const rule of rules) {
    checkFunction('router.rules[].decide', rule?.decide ?? null);
    checkString('router.rules[].name', rule.name ?? null);
  }
}
