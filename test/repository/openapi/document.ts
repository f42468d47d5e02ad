/** The document as the control plane serves it; its page needs no binding. */
import { app } from '../../../admin/api/app.ts'

export const openApiText = async (): Promise<string> => (await app.request('/openapi.json')).text()
