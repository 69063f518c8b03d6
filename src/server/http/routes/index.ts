import type { HttpSettings } from '../options.js';
import type { Route } from '../types.js';
import { callbackRoute } from './callback.js';
import { healthRoute } from './health.js';
import { jobEventsRoute } from './job-events.js';
import { cancelJobRoute, jobRoute } from './jobs.js';
import { metricsRoute } from './metrics.js';
import { openApiRoute } from './open-api.js';
import { tokenRoute } from './token.js';
import { transcribeRoute } from './transcribe.js';
import { transcriptRoute } from './transcripts.js';

/** All routes that the settings ask for. */
export function createRoutes(settings: HttpSettings): readonly Route[] {
  return [
    transcribeRoute(settings),
    jobRoute,
    cancelJobRoute,
    jobEventsRoute(settings),
    transcriptRoute,
    callbackRoute,
    healthRoute(),
    ...(settings.token === undefined ? [] : [tokenRoute(settings)]),
    ...(settings.metrics === undefined ? [] : [metricsRoute(settings.metrics)]),
    ...(settings.openApi ? [openApiRoute(settings)] : []),
  ];
}
