// Two networks behind one source of 8-bit pixels: the LEDs of a ULX3S show both classes.
//
// The pixels are a counter's, so that the design needs no camera; put yours in its place.

module top (
    input  wire       clk,
    input  wire [1:0] btn,  // 0: reset, active low; 1: hold the pixels
    output reg  [7:0] led
);

localparam BEATS = 32;  // of a frame of both networks: see the datasheets

wire rst = ~btn[0];

// One beat after the other, taken by both cores in the same cycle.
reg  [7:0] beat;
reg  [4:0] place;
wire       tiled_ready, plain_ready;
wire       valid = tiled_ready & plain_ready & ~btn[1];
wire       last = place == BEATS - 1;

always @(posedge clk)
    if (rst) begin
        beat  <= 0;
        place <= 0;
    end else if (valid) begin
        beat  <= beat * 5 + 1;
        place <= last ? 0 : place + 1;
    end

wire [15:0] plain_data;
wire [7:0]  tiled_data;
wire        tiled_valid, tiled_last, tiled_user, plain_valid, plain_last, plain_error;

tiled first (
    .aclk          (clk),
    .aresetn       (btn[0]),
    .s_axis_tdata  (beat),
    .s_axis_tlast  (last),
    .s_axis_tvalid (valid),
    .s_axis_tready (tiled_ready),
    .m_axis_tdata  (tiled_data),
    .m_axis_tlast  (tiled_last),
    .m_axis_tuser  (tiled_user),
    .m_axis_tvalid (tiled_valid),
    .m_axis_tready (1'b1),
    // Nobody asks for the registers.
    .s_axi_awaddr  (12'd0),
    .s_axi_awprot  (3'd0),
    .s_axi_awvalid (1'b0),
    .s_axi_awready (),
    .s_axi_wdata   (32'd0),
    .s_axi_wstrb   (4'd0),
    .s_axi_wvalid  (1'b0),
    .s_axi_wready  (),
    .s_axi_bresp   (),
    .s_axi_bvalid  (),
    .s_axi_bready  (1'b1),
    .s_axi_araddr  (12'd0),
    .s_axi_arprot  (3'd0),
    .s_axi_arvalid (1'b0),
    .s_axi_arready (),
    .s_axi_rdata   (),
    .s_axi_rresp   (),
    .s_axi_rvalid  (),
    .s_axi_rready  (1'b1),
    .irq           ()
);

plain second (
    .clk     (clk),
    .rst     (rst),
    .i_data  (beat),
    .i_last  (last),
    .i_valid (valid),
    .i_ready (plain_ready),
    .o_data  (plain_data),
    .o_last  (plain_last),
    .o_error (plain_error),
    .o_valid (plain_valid),
    .o_ready (1'b1),
    .clear   (1'b0),
    .early   (),
    .late    (),
    .done    (),
    .busy    ()
);

// The last element of a result is the class.
always @(posedge clk) begin
    if (tiled_valid & tiled_last & ~tiled_user)
        led[3:0] <= tiled_data[3:0];
    if (plain_valid & plain_last & ~plain_error)
        led[7:4] <= plain_data[3:0];
end

endmodule
