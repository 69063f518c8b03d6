export { type DeliverWebhookOptions, deliverWebhook, type WebhookDelivery } from './deliver.js';
export type { WebhookData, WebhookEvent, WebhookEventType, WebhookPayload, WebhookStatus } from './event.js';
export { buildWebhookPayload } from './payload.js';
export { WEBHOOK_ATTEMPTS, webhookDelayMs } from './schedule.js';
export { type SignWebhookOptions, signWebhook } from './signature.js';
export { createWebhookTargets, type WebhookTargets, type WebhookTargetsOptions } from './target.js';
export { type VerifyWebhookOptions, verifyWebhook } from './verify.js';
