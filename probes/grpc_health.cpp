#include "probes/grpc_health.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "injector/kernel/error.h"
#include "probes/http_request.h"
#include "probes/sockets.h"

namespace blackstart {

namespace {

// ServingStatus of health.proto, by number.
constexpr std::array<std::string_view, 4> kStatus = {"unknown", "serving", "not-serving", "service-unknown"};
// google/rpc/code.proto
constexpr std::array<std::string_view, 17> kCode = {
    "ok",        "cancelled",      "unknown",           "invalid argument",   "deadline exceeded",
    "not found", "already exists", "permission denied", "resource exhausted", "failed precondition",
    "aborted",   "out of range",   "unimplemented",     "internal",           "unavailable",
    "data loss", "unauthenticated"};
constexpr std::size_t kFrame = 5;  // a byte that says whether it is compressed, and the length in four, big-endian
constexpr unsigned char kServiceField = 0x0a, kStatusField = 0x08;  // field 1: length-delimited, varint

void put_varint(std::string& out, std::size_t value) {
    for (; value > 0x7f; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
    out += static_cast<char>(value);
}

// HealthCheckRequest{service}, framed.
std::string request_of(const std::string& service) {
    std::string message;
    if (!service.empty()) {
        message += static_cast<char>(kServiceField);
        put_varint(message, service.size());
        message += service;
    }
    std::string framed(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(message.size() >> shift & 0xff);
    return framed + message;
}

// HealthCheckResponse{status}: the default, 0, is not sent. Nothing if it is none.
std::optional<std::size_t> status_in(std::string_view body) {
    if (body.size() < kFrame || body[0] != 0) return std::nullopt;
    const auto message = body.substr(kFrame);
    if (message.empty()) return 0;
    if (message.size() != 2 || static_cast<unsigned char>(message[0]) != kStatusField) return std::nullopt;
    return static_cast<unsigned char>(message[1]);
}

std::optional<std::size_t> code_in(std::string_view fields) {
    constexpr std::string_view name = "grpc-status:";
    const auto at = fields.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    auto text = fields.substr(at + name.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::size_t code = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    return error == std::errc() ? std::optional(code) : std::nullopt;
}

Outcome of_status(std::size_t status, const std::string& wanted) {
    const std::string is(kStatus[status]);
    return {is == wanted, is == wanted ? "" : is, Value(is)};
}

Outcome judge(const HttpResponse& response, const std::string& wanted) {
    constexpr std::size_t not_found = 5, service_unknown = 3;
    if (response.status != 200) return failed("status " + std::to_string(response.status));
    const auto code = code_in(response.fields);
    if (!code) return failed("no grpc-status: not a gRPC server");
    if (*code == not_found) return of_status(service_unknown, wanted);
    if (*code != 0) return failed("grpc " + (*code < kCode.size() ? std::string(kCode[*code]) : std::to_string(*code)));
    const auto status = status_in(response.body);
    return status && *status < kStatus.size() ? of_status(*status, wanted) : failed("the reply is no HealthCheckResponse");
}

}  // namespace

template <> std::unique_ptr<Runner> make_runner(const GrpcHealthProbe& probe, const Place& place, Surroundings& around) {
    if (!split_host_port(probe.address, std::nullopt))
        throw Misuse("address '" + probe.address + "' is not ADDRESS:PORT, [V6]:PORT or NAME:PORT");
    HttpProbe call;
    call.url = (probe.tls ? "https://" : "http://") + probe.address + "/grpc.health.v1.Health/Check";
    call.method = "POST";
    call.headers = {"Content-Type: application/grpc", "TE: trailers"};
    call.body = request_of(probe.service);
    call.http2 = true;
    call.insecure = probe.insecure;
    return make_curl_runner(call, parse_url(call.url), place, around,
                            [wanted = probe.status](const HttpResponse& response) { return judge(response, wanted); });
}

}  // namespace blackstart
