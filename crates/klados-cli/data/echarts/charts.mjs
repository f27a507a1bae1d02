// What the page uses of Apache ECharts: lines and custom marks on two axes, tooltips, drawn as SVG.
import { init, use } from 'echarts/core';
import { CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

use([CustomChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

export { init };
