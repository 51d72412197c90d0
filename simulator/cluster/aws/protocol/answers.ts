import type { AwsResponse } from '../types.ts';
import type { AwsError } from './aws-error.ts';
import { escapeXml, xmlFields, type XmlFields } from './xml.ts';

export type Service = 'autoscaling' | 'ec2';

/** Version that a request names, which tells the services apart behind one address. */
export const apiVersions: Readonly<Record<Service, string>> = { autoscaling: '2011-01-01', ec2: '2016-11-15' };

const namespaces: Readonly<Record<Service, string>> = {
  autoscaling: 'http://autoscaling.amazonaws.com/doc/2011-01-01/',
  ec2: 'http://ec2.amazonaws.com/doc/2016-11-15/',
};

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** The success of an action. Auto Scaling wraps the result, EC2 does not. */
export function answerOf(service: Service, action: string, result: XmlFields | undefined, requestId: string): AwsResponse {
  const open = `<${action}Response xmlns="${namespaces[service]}">`;
  const close = `</${action}Response>`;
  if (service === 'ec2') return xml(200, requestId, `${open}<requestId>${requestId}</requestId>${xmlFields(result ?? {}, 'item')}${close}`);
  const body = result === undefined ? '' : `<${action}Result>${xmlFields(result, 'member')}</${action}Result>`;
  return xml(200, requestId, `${open}${body}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>${close}`);
}

/** A refusal in the service's own form. */
export function refusalOf(service: Service, error: AwsError, requestId: string): AwsResponse {
  const code = escapeXml(error.code);
  const message = escapeXml(error.message);
  if (service === 'ec2') {
    const errors = `<Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors>`;
    return xml(error.status, requestId, `<Response>${errors}<RequestID>${requestId}</RequestID></Response>`);
  }
  const type = error.status < 500 ? 'Sender' : 'Receiver';
  const body = `<Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${requestId}</RequestId>`;
  return xml(error.status, requestId, `<ErrorResponse xmlns="${namespaces[service]}">${body}</ErrorResponse>`);
}

function xml(status: number, requestId: string, text: string): AwsResponse {
  return {
    status,
    headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
    body: declaration + text,
  };
}
