import { systemClock } from '../../../src/internal/system-clock.js';
import { createWebhookTargets, deliverWebhook } from '../../../src/webhooks/index.js';
import { BODY, SECRET } from '../receiver.js';

const [url = ''] = process.argv.slice(2);

const delivery = await deliverWebhook({
  url,
  id: 'msg_1',
  body: BODY,
  secrets: [SECRET],
  targets: createWebhookTargets({ allow: ['127.0.0.0/8'], resolve: async () => ['127.0.0.1'] }),
  clock: systemClock,
});
console.log(`${delivery.outcome} ${delivery.httpStatus} ${delivery.code}`);
