// @ts-check
import { randomUUID } from 'node:crypto';

/** @import { IncomingHttpHeaders } from 'node:http' */
/** @import { NextFunction, Request, Response } from 'express' */

const NAME = 'visitor';

/**
 * Stands in for a sign-in: whoever opens the page gets a number that nobody can guess, and is that user from then on.
 *
 * @param {Request} request
 * @param {Response} response
 * @param {NextFunction} next
 */
export function welcome(request, response, next) {
  if (visitorOf(request.headers) === undefined) {
    response.cookie(NAME, randomUUID(), { httpOnly: true, sameSite: 'strict' });
  }
  next();
}

/**
 * @param {IncomingHttpHeaders} headers
 * @returns {string | undefined} Their id.
 */
export function visitorOf({ cookie = '' }) {
  return new RegExp(`(?:^|;\\s*)${NAME}=([0-9a-f-]{36})(?:;|$)`).exec(cookie)?.[1];
}
