// CloudFront asks this before it asks the shop. Lambda takes no request of more than 6 MB, and API Gateway's answer to one is no page.
function handler(event) {
  var request = event.request;
  var length = request.headers['content-length'];
  if (!length || Number(length.value) <= BYTES_MAX || request.uri.indexOf('/api/') === 0) return request;
  return {
    statusCode: 413,
    statusDescription: 'Content Too Large',
    headers: {
      'content-type': { value: 'text/html; charset=utf-8' },
      'cache-control': { value: 'no-store' }
    },
    body: { encoding: 'text', data: PAGE }
  };
}
